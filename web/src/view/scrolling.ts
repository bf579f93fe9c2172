/**
 * Keeps what the reader looks at where it is, whatever comes above or below it.
 *
 * A reader at the end stays there; for any other the first message in view is the anchor, and is put back to its place
 * after each change. Browsers do this in part, and not at the very top, where it is needed most.
 */

/** Pixels from the end that still count as being there. */
const END_SLACK_PX = 48;
/** How near to an end of the page, in heights of the view, more is fetched. */
const FETCH_AHEAD_VIEWS = 1.5;

export interface Scrolling {
  /** To be called after each change of what is shown. */
  settle(): void;
  /** To be called when the reader has scrolled. */
  scrolled(): void;
}

export interface ScrollingRoom {
  following(): boolean;
  setFollowing(on: boolean): void;
  nearTop(): void;
  nearEnd(): void;
}

export function keepPlace(view: HTMLElement, content: HTMLElement, room: ScrollingRoom): Scrolling {
  let anchor: { element: HTMLElement; top: number } | null = null;

  const remember = () => {
    const element = firstInView(view, content);
    anchor = element && { element, top: element.offsetTop - view.scrollTop };
  };
  const fetchAhead = () => {
    const ahead = view.clientHeight * FETCH_AHEAD_VIEWS;
    if (view.scrollTop < ahead) room.nearTop();
    if (view.scrollHeight - view.scrollTop - view.clientHeight < ahead) room.nearEnd();
  };
  const settle = () => {
    if (room.following()) view.scrollTop = view.scrollHeight;
    else if (anchor?.element.isConnected) {
      const top = anchor.element.offsetTop - anchor.top;
      if (Math.abs(top - view.scrollTop) >= 1) view.scrollTop = top;
    }
    remember();
    fetchAhead();
  };
  const scrolled = () => {
    const toEnd = view.scrollHeight - view.scrollTop - view.clientHeight;
    // First of all: whatever the room does with what it hears must not put the reader back.
    remember();
    const following = toEnd <= END_SLACK_PX;
    if (following !== room.following()) room.setFollowing(following);
    fetchAhead();
  };
  return { settle, scrolled };
}

/** The first child that reaches into view; the children stand one below the other. */
function firstInView(view: HTMLElement, content: HTMLElement): HTMLElement | null {
  const children = content.children;
  let low = 0;
  let high = children.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const child = children[middle] as HTMLElement;
    if (child.offsetTop + child.offsetHeight > view.scrollTop) high = middle;
    else low = middle + 1;
  }
  return (children[low] as HTMLElement | undefined) ?? null;
}
