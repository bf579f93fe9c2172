import { render } from "solid-js/web";
import { startChat } from "./edge/run";
import "./styles.css";
import { App } from "./view/App";

const root = document.getElementById("app");
if (root) {
  const chat = startChat();
  render(() => <App chat={chat} />, root);
}
