/** Notifications on the desktop, as far as the browser has them. */
import type { Effect, Event } from "../machine/events";
import type { Notify } from "../machine/notify";

/** How things stand at the start; nothing is asked. */
export function standing(wanted: boolean): Notify {
  if (!("Notification" in globalThis)) return "unavailable";
  if (Notification.permission === "denied") return "blocked";
  return wanted && Notification.permission === "granted" ? "on" : "off";
}

export async function ask(): Promise<Notify> {
  if (!("Notification" in globalThis)) return "unavailable";
  await Notification.requestPermission();
  return standing(true);
}

export function notify(effect: Extract<Effect, { type: "notify" }>, dispatch: (event: Event) => void): void {
  try {
    // The same in several tabs is shown once: they give it the same tag.
    const shown = new Notification(effect.title, {
      body: effect.body,
      tag: effect.id,
      icon: "/icons/icon-192.png",
    });
    shown.onclick = () => {
      window.focus();
      dispatch({ type: "room_opened", room: effect.room });
      shown.close();
    };
  } catch {
    // Some phones know notifications by service workers only.
  }
}
