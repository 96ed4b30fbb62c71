// One key a verdict: presses the button or link that names it in aria-keyshortcuts. Enter or Escape leave the note.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Enter" || event.key === "Escape") event.target.blur();
    return;
  }
  for (const each of document.querySelectorAll("[aria-keyshortcuts]")) {
    if (each.getAttribute("aria-keyshortcuts") === event.key.toLowerCase()) {
      event.preventDefault();
      each.click();
      return;
    }
  }
});
