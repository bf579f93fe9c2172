/**
 * The frames of the chat protocol, version 1, as the page sees them.
 *
 * Plain data. What comes from a server may carry more fields than stand here.
 */

/** For each origin the greatest `seq` held; an origin that is not named counts as 0. */
export type Vector = Record<string, number>;

export interface UserRef {
  name: string;
  uid: string;
  away?: boolean;
}

/** A message, as it is now. `ts` is in microseconds since the epoch. */
export interface MessageView {
  id: string;
  from: string;
  uid: string;
  ts: number;
  origin: string;
  seq: number;
  text?: string;
  nonce?: string;
  reply_to?: string;
  /** When it was last edited. */
  edited?: number;
  deleted?: boolean;
  /** For each emoji the names of those who reacted with it. */
  reactions?: Record<string, string[]>;
  late?: boolean;
  room?: string;
}

export interface Limits {
  line: number;
  text: number;
  name: number;
  room: number;
  history: number;
}

export interface RoomEntry {
  room: string;
  topic: string;
  total: number;
  private: boolean;
  joined: boolean;
  last?: number;
  unread: number;
}

interface Answer {
  re?: number | string;
}

export type ServerFrame =
  | { type: "connect"; protocol: number; server: string; node: string; time: number; limits: Limits }
  | (Answer & {
      type: "session";
      user: string;
      uid: string;
      guest: boolean;
      role: string;
      token: string;
      node: string;
      /** Only over HTTP: what the poll session is addressed by. */
      poll?: string;
    })
  | (Answer & {
      type: "room";
      room: string;
      topic: string;
      private?: boolean;
      total: number;
      users: UserRef[];
      messages: MessageView[];
      more: boolean;
      since: Vector;
      read?: Vector;
    })
  | (Answer & { type: "history"; room: string; messages: MessageView[]; more: boolean; since?: Vector })
  | (Answer & { type: "rooms"; rooms: RoomEntry[] })
  | (Answer & {
      type: "sent";
      nonce: string;
      room: string;
      id: string;
      ts: number;
      origin: string;
      seq: number;
      copies: number;
    })
  | (Answer & { type: "ok"; ts?: number; origin?: string; seq?: number })
  | (Answer & { type: "error"; code: string; message: string; retry_after_ms?: number; suggestion?: string })
  | (Answer & { type: "pong"; time: number })
  | (MessageView & { type: "new_message"; room: string })
  | {
      type: "message_update";
      room: string;
      id: string;
      ts: number;
      origin: string;
      seq: number;
      text?: string;
      edited?: number;
      deleted?: boolean;
      reactions?: Record<string, string[]>;
    }
  | { type: "topic"; room: string; topic: string; user: string; ts: number; origin: string; seq: number }
  | { type: "typing"; room: string; user: string; uid: string; on: boolean }
  | { type: "user_join"; room: string; user: UserRef; total: number }
  | { type: "user_leave"; room: string; user: string; uid: string; reason?: string; total: number }
  | (Answer & {
      type: "user_list_update";
      room: string;
      total: number;
      joined?: UserRef[];
      left?: string[];
      users?: UserRef[];
    })
  | { type: "away"; room?: string; user: string; uid: string; on: boolean }
  | { type: "read"; room: string; since: Vector }
  | { type: "renamed"; uid: string; from: string; to: string }
  | { type: "gap"; room: string; since: Vector }
  | { type: "disconnect"; reason: string; message?: string };

export type FrameType = ServerFrame["type"];
export type Frame<T extends FrameType> = Extract<ServerFrame, { type: T }>;

interface Marked {
  re?: number;
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
    | { type: "rooms" }
    | { type: "who"; room: string }
    | { type: "away"; on: boolean }
    | { type: "ping" }
    | { type: "quit" }
  );
