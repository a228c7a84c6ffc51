// Push to talk: the microphone is open while a button, or the space bar, is held.

/**
 * @param {HTMLButtonElement} button @param {{hold: string, held: string}} words
 * @param {(on: boolean) => void} listen
 * @returns {{show(on: boolean): void, press(on: boolean): void}} `show`: whether there is anything to hold
 */
export function holding(button, words, listen) {
  const press = (on) => {
    if (button.hidden || on === (button.ariaPressed === "true")) return;
    button.ariaPressed = String(on);
    button.querySelector("span").textContent = on ? words.held : words.hold;
    listen(on);
  };
  const release = () => press(false);
  let pointer = null;
  button.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pointer = event.pointerId;
    button.setPointerCapture(pointer);
    press(true);
  });
  for (const over of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(over, ({ pointerId }) => {
      if (pointerId !== pointer) return; // let go before: browsers tell of a lost capture late
      pointer = null;
      release();
    });
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch is meant to be one
  // Screen readers and switches click without holding anything: once to begin, once to be done.
  button.addEventListener("click", ({ detail }) => detail === 0 && press(button.ariaPressed !== "true"));
  addEventListener("keydown", (event) => {
    if (button.hidden || !talks(event, button)) return;
    event.preventDefault();
    if (!event.repeat) press(true);
  });
  addEventListener("keyup", (event) => {
    if (event.key === " " || (event.key === "Enter" && event.target === button)) release();
    if (talks(event, button)) event.preventDefault();
  });
  // Whoever looks elsewhere doesn't mean to be heard.
  addEventListener("blur", release);
  document.addEventListener("visibilitychange", release);
  return {
    press,
    show(on) {
      if (!on) release();
      button.hidden = !on;
    },
  };
}

/** The space bar where it means nothing else; Enter on the button itself. */
function talks({ key, target, isComposing, ctrlKey, altKey, metaKey }, button) {
  if (isComposing || ctrlKey || altKey || metaKey) return false;
  if (target === button) return key === " " || key === "Enter";
  return key === " " && !target.closest?.("input, textarea, button, a, summary");
}
