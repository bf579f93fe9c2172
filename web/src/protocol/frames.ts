/**
 * The frames of the chat protocol, version 1, as the page uses them.
 *
 * The server's are made from the node's sources; the client's stand here, as far as the page says them.
 */
import type { Message, MessageUpdate, ServerFrame, UserInfo, VersionVector } from "./generated";

export type { ErrorCode, Limits, RoomInfo, ServerFrame } from "./generated";
export type Vector = VersionVector;
export type UserRef = UserInfo;
/** A message as frames hold it, with what has become of it. */
export type MessageView = Message;
/** What has become of a message. */
export type UpdateView = MessageUpdate;

export type FrameType = ServerFrame["type"];
export type Frame<T extends FrameType> = Extract<ServerFrame, { type: T }>;

interface Marked {
  /** A number is the page's own; one that another tab asked with is marked with that tab. */
  re?: number | string;
}

export type ClientFrame = Marked &
  (
    | { type: "user_join"; name: string; password?: string }
    | { type: "user_join"; token: string }
    | { type: "join"; room: string; since?: Vector; limit?: number }
    | { type: "leave"; room: string }
    | { type: "send"; room: string; text: string; nonce: string; reply_to?: string; after?: number }
    | { type: "edit"; room: string; id: string; text: string; nonce: string; after?: number }
    | { type: "delete"; room: string; id: string; nonce: string; after?: number }
    | { type: "react"; room: string; id: string; emoji: string; on: boolean; nonce: string; after?: number }
    | { type: "topic"; room: string; topic: string }
    | { type: "history"; room: string; before?: number; after?: number; since?: Vector; limit?: number }
    | { type: "typing"; room: string; on: boolean }
    | { type: "read"; room: string; since: Vector }
    | { type: "search"; query: string; room?: string; before?: number; limit?: number }
    | { type: "rooms" }
    | { type: "stats" }
    | { type: "who"; room: string }
    | { type: "away"; on: boolean }
    | { type: "ping" }
    | { type: "quit" }
  );
