// Copy buttons of code blocks. They stay hidden where there is no clipboard or no script.

const DONE_MS = 1600;

async function copy(button) {
  const text = button.closest(".code")?.querySelector("code")?.textContent;
  if (text === undefined) return;
  await navigator.clipboard.writeText(text);
  const label = button.dataset.label ?? (button.dataset.label = button.textContent);
  button.textContent = button.dataset.done;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = label; }, DONE_MS);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => { copy(button).catch(() => { button.hidden = true; }); });
  }
}
