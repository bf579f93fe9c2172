/** One turn of the machine: the moment it happens in, and the effects gathered so far. */
import type { ClientFrame } from "../protocol/frames";
import { TOAST_MS } from "../protocol/limits";
import type { Effect, Moment } from "./events";
import type { Question, State, Toast } from "./state";

export class Turn {
  readonly effects: Effect[] = [];

  constructor(
    readonly state: State,
    readonly moment: Moment,
  ) {}

  get now(): number {
    return this.moment.now;
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Says a frame that nobody waits for an answer to. */
  say(frame: ClientFrame): void {
    this.effect({ type: "say", serial: this.state.link.serial, frame });
  }

  /** Says a frame and notes what its answer will be about. */
  ask(frame: ClientFrame, question: WithoutTime<Question>): void {
    const re = this.state.nextRe++;
    this.state.questions[re] = { ...question, at: this.now } as Question;
    this.say({ ...frame, re });
  }

  toast(text: string, tone: Toast["tone"] = "info"): void {
    const toasts = this.state.toasts;
    if (toasts.some((other) => other.text === text)) return;
    toasts.push({ id: this.state.nextId++, text, tone, until: this.now + TOAST_MS });
    if (toasts.length > 3) toasts.shift();
  }
}

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;

/** Whether a question of that kind about that room is still open. */
export function isAsked(state: State, test: (question: Question) => boolean): boolean {
  return Object.values(state.questions).some(test);
}

/** Forgets the questions that `test` picks; their answers will be passed over. */
export function forgetQuestions(state: State, test: (question: Question) => boolean): void {
  for (const [re, question] of Object.entries(state.questions))
    if (test(question)) delete state.questions[re];
}
