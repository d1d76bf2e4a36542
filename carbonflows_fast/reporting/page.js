"use strict";
// Everything here is an addition: without it the page reads the same, in the order it was written.

// Tables: a button in each heading sorts by the full values, numbers largest first.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, at) => {
    const numeric = head.classList.contains("number");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const shown = (row) => row.cells[at].textContent;
    const value = (row) => row.cells[at].dataset.value;
    const order = (a, b) => numeric
      ? Number(value(a)) - Number(value(b))
      : shown(a).localeCompare(shown(b), "en", { numeric: true });
    button.addEventListener("click", () => {
      const now = head.ariaSort;
      const ascending = now ? now !== "ascending" : !numeric;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const known = [...body.rows].filter((row) => value(row) !== "");
      const unknown = [...body.rows].filter((row) => value(row) === "");
      known.sort(ascending ? order : (a, b) => order(b, a));
      body.append(...known, ...unknown);
    });
  });
}

// Figures: a button, or a click on the picture, shows one at full size; Escape puts it back.
const dialog = document.querySelector("dialog");
const stage = dialog.querySelector(".stage");
let home = null;
const enlarge = (frame, title) => {
  home = frame;
  dialog.setAttribute("aria-label", title);
  frame.style.minHeight = `${frame.offsetHeight}px`; // the page does not jump
  stage.append(...frame.childNodes);
  dialog.showModal();
  stage.scrollTo(0, 0); // where the last one was left is nowhere in this one
};
for (const figure of document.querySelectorAll("figure")) {
  const frame = figure.querySelector(".picture");
  const button = figure.querySelector(".enlarge");
  const open = () => enlarge(frame, figure.querySelector("strong").textContent);
  button.hidden = false;
  button.addEventListener("click", open);
  frame.classList.add("zoomable");
  frame.addEventListener("click", open);
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); open(); }
  });
}
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => {
  home.append(...stage.childNodes);
  home.style.minHeight = "";
});
