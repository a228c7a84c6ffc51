// The page around ours: told what happens, and heard when it asks for something. Both ways only by
// its exact origin; a page that says it is another gets nothing and is not listened to.
//
//   ours -> theirs  { charafy: "embed", event: "ready" | "state" | "transcript" | "error" | "close", ... }
//   theirs -> ours  { charafy: "widget", do: "speak" | "interrupt" | "end" | "look" | "name" | "push-to-talk" | "hold", ... }

const asked = new URLSearchParams(location.search);

/** Of the page around ours; null where there is none or the browser doesn't tell. */
export const origin = window.parent === window ? null : around();

/** @param {string} event @param {Record<string, unknown>} [detail] what can be cloned */
export function tell(event, detail = {}) {
  if (origin) window.parent.postMessage({ charafy: "embed", event, ...detail }, origin);
}

/** @param {(wish: {do: string} & Record<string, unknown>) => void} act */
export function hear(act) {
  addEventListener("message", ({ source, origin: from, data }) => {
    if (source !== window.parent || !origin || from !== origin) return;
    if (data?.charafy === "widget" && typeof data.do === "string") act(data);
  });
}

/** How the page around ours wants ours to look. */
export function look({ theme, accent } = {}) {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else if (theme === "auto") delete root.dataset.theme;
  if (typeof accent === "string" && /^#?[0-9a-f]{6}$/i.test(accent)) {
    const colour = accent.replace("#", "");
    root.style.setProperty("--accent", `#${colour}`);
    root.style.setProperty("--on-accent", isLight(colour) ? "#000" : "#fff");
  }
}

/** A way to close ours, for keys and for the button, where the page around can do it. */
export function closable(close) {
  if (!origin || !asked.has("closable")) return;
  document.documentElement.dataset.closable = "";
  document.querySelector(".close").addEventListener("click", close);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) close();
  });
}

export const wished = Object.fromEntries(asked);

function around() {
  // The browser's own word; Firefox has none, and then the widget's, which only a wrong origin can spoil.
  const [parent] = location.ancestorOrigins ?? [];
  for (const url of [parent, asked.get("host"), document.referrer]) {
    const found = URL.parse ? URL.parse(url ?? "") : safely(url);
    if (found && /^https?:$/.test(found.protocol)) return found.origin;
  }
  return null;
}

function safely(url) {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

/** Whether black is read better on it than white (WCAG's relative luminance). */
function isLight(hex) {
  const [r, g, b] = [0, 2, 4].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179;
}
