/** How much was not read, where it is seen while the page is not: the tab's icon, and the installed app's. */

const ICON = "/favicon.svg";
const ICON_UNREAD = "/favicon-unread.svg";

interface Badging {
  setAppBadge?: (count: number) => Promise<void>;
  clearAppBadge?: () => Promise<void>;
}

export function showUnread(count: number): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const wanted = count > 0 ? ICON_UNREAD : ICON;
  // Each change makes the browser fetch it again.
  if (icon && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  const badging: Badging = navigator;
  const badged = count > 0 ? badging.setAppBadge?.(count) : badging.clearAppBadge?.();
  badged?.catch(() => undefined);
}
