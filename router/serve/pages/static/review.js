// One key a verdict: presses the button or link that names it in aria-keyshortcuts.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select")) return;
  for (const each of document.querySelectorAll("[aria-keyshortcuts]")) {
    if (each.getAttribute("aria-keyshortcuts") === event.key.toLowerCase()) {
      event.preventDefault();
      each.click();
      return;
    }
  }
});
