/** What every view may read and call. Views change nothing but through `dispatch`. */
import { createContext, useContext } from "solid-js";
import type { Chat } from "../edge/run";

export interface ViewContext extends Chat {
  systemDark: () => boolean;
}

export const ChatContext = createContext<ViewContext>();

export function useChat(): ViewContext {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error("a view outside of the page");
  return chat;
}
