/** The page's few pictures; decoration only, what they stand for is said in words beside or behind them. */
import type { JSX } from "solid-js";

function Icon(props: { children: JSX.Element; class?: string | undefined }): JSX.Element {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      class={props.class ?? "size-5"}
    >
      {props.children}
    </svg>
  );
}

interface IconProps {
  class?: string;
}

export const Logo = (props: IconProps) => (
  <svg viewBox="0 0 32 32" aria-hidden="true" class={props.class ?? "size-7"}>
    <path
      class="fill-accent"
      d="M6 4h20a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H14l-7 5.2A.6.6 0 0 1 6 28.7V24a4 4 0 0 1-4-4V8a4 4 0 0 1 4-4z"
    />
    <g class="fill-accent-ink">
      <circle cx="10" cy="14" r="2.2" />
      <circle cx="16" cy="14" r="2.2" />
      <circle cx="22" cy="14" r="2.2" />
    </g>
  </svg>
);
export const Menu = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M4 7h16M4 12h16M4 17h16" />
  </Icon>
);
export const People = (p: IconProps) => (
  <Icon class={p.class}>
    <circle cx="9" cy="8" r="3.2" />
    <path d="M3 19c.6-3.2 3-5 6-5s5.4 1.8 6 5M16 5.2a3 3 0 0 1 0 5.6M18 14.3c1.7.8 2.7 2.5 3 4.7" />
  </Icon>
);
export const Close = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
);
export const Plus = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
export const Send = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M5 12h13M12.5 5.5L19 12l-6.5 6.5" />
  </Icon>
);
export const Down = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M12 5v14M6 13l6 6 6-6" />
  </Icon>
);
export const Reply = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M10 6L4 12l6 6M4 12h9a7 7 0 0 1 7 7" />
  </Icon>
);
export const Pencil = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M4 20l1-4L16 5l3 3L8 19zM14 7l3 3" />
  </Icon>
);
export const Bin = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12" />
  </Icon>
);
export const Copy = (p: IconProps) => (
  <Icon class={p.class}>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M5 15H4V6a2 2 0 0 1 2-2h9v1" />
  </Icon>
);
export const Smile = (p: IconProps) => (
  <Icon class={p.class}>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M8.5 14.5a4.2 4.2 0 0 0 7 0M9 9.5v.01M15 9.5v.01" />
  </Icon>
);
export const Magnifier = (p: IconProps) => (
  <Icon class={p.class}>
    <circle cx="11" cy="11" r="6.5" />
    <path d="M16 16l4.5 4.5" />
  </Icon>
);
export const Signpost = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M12 3v18M12 5h6l2.5 2.5L18 10h-6M12 12H6l-2.5 2.5L6 17h6" />
  </Icon>
);
export const Warning = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M12 4L2.8 19.5h18.4zM12 10v4.5M12 17v.01" />
  </Icon>
);
export const Leave = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M14 5H6v14h8M10 12h10M17 9l3 3-3 3" />
  </Icon>
);
export const Sun = (p: IconProps) => (
  <Icon class={p.class}>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4" />
  </Icon>
);
export const Moon = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />
  </Icon>
);
export const Screen = (p: IconProps) => (
  <Icon class={p.class}>
    <rect x="3" y="5" width="18" height="12" rx="2" />
    <path d="M9 21h6M12 17v4" />
  </Icon>
);
export const Bell = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5h4" />
  </Icon>
);
export const BellOff = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M8 6.5A6 6 0 0 1 18 11v4M6 10v6l-1.5 2H17M10 20.5h4M4 4l16 16" />
  </Icon>
);
export const Notice = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M13 5H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h1v3l4-3h7a2 2 0 0 0 2-2v-3" />
    <circle cx="18.5" cy="6" r="2.5" />
  </Icon>
);
export const NoticeOff = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M9 5h9a2 2 0 0 1 2 2v8M17 17h-6l-4 3v-3H6a2 2 0 0 1-2-2V7M4 4l16 16" />
  </Icon>
);
export const Check = (p: IconProps) => (
  <Icon class={p.class}>
    <path d="M5 12.5l4.5 4.5L19 7.5" />
  </Icon>
);
export const Clock = (p: IconProps) => (
  <Icon class={p.class}>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 8v4l3 2" />
  </Icon>
);
