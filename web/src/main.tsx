import { render } from "solid-js/web";
import "./styles.css";

const root = document.getElementById("app");
if (root) render(() => <main class="p-8 text-center">chat is being set up…</main>, root);
