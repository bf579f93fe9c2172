/** Who came and who went, in one line. */
import { Show, type JSX } from "solid-js";
import type { UserRef } from "../protocol/frames";
import type { Notice } from "../machine/state";
import { NOTICE_NAMES_MAX } from "../protocol/limits";
import { cleanLine } from "../text/clean";

export function NoticeRow(props: { notice: Notice }): JSX.Element {
  return (
    <p class="remote px-4 py-1 text-center text-[13px] text-muted">
      <Show when={props.notice.joined.length > 0}>{names(props.notice.joined)} joined</Show>
      <Show when={props.notice.joined.length > 0 && props.notice.left.length > 0}> · </Show>
      <Show when={props.notice.left.length > 0}>{names(props.notice.left)} left</Show>
    </p>
  );
}

function names(users: UserRef[]): string {
  const shown = users.slice(0, NOTICE_NAMES_MAX).map((user) => cleanLine(user.name));
  const rest = users.length - shown.length;
  if (rest > 0) shown.push(`${rest} more`);
  const last = shown.pop() ?? "";
  return shown.length > 0 ? `${shown.join(", ")} and ${last}` : last;
}
