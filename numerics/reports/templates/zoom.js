"use strict";
// A picture shows the part of its drawing that its viewBox names.
const STEP = 1.25, MOST = 60, MOVE = 0.12;
const KEYS = {
  "+": v => v.zoom(STEP), "=": v => v.zoom(STEP), "-": v => v.zoom(1 / STEP),
  "0": v => v.reset(), "Escape": v => v.reset(),
  "ArrowLeft": v => v.move(-MOVE, 0), "ArrowRight": v => v.move(MOVE, 0),
  "ArrowUp": v => v.move(0, -MOVE), "ArrowDown": v => v.move(0, MOVE),
};

class View {
  constructor(frame) {
    this.frame = frame;
    this.svg = frame.querySelector("svg");
    this.whole = this.svg.getAttribute("viewBox").split(" ").map(Number);
    this.reset();
  }

  get enlarged() { return this.width < this.whole[2] * 0.999; }

  reset() { this.show(this.whole[0], this.whole[1], this.whole[2]); }

  // Left, top and width of what is seen, which stays inside of the drawing.
  show(x, y, width) {
    const [left, top, full, high] = this.whole;
    this.width = Math.min(full, Math.max(full / MOST, width));
    const height = high * this.width / full;
    this.x = Math.min(left + full - this.width, Math.max(left, x));
    this.y = Math.min(top + high - height, Math.max(top, y));
    this.svg.setAttribute("viewBox", [this.x, this.y, this.width, height].join(" "));
    this.frame.classList.toggle("enlarged", this.enlarged);
  }

  // Enlarge about a point, given as parts of width and height; by default the middle.
  zoom(factor, right = 0.5, down = 0.5) {
    const ratio = this.whole[3] / this.whole[2], before = this.width;
    const width = Math.min(this.whole[2], Math.max(this.whole[2] / MOST, before / factor));
    this.show(this.x + right * (before - width), this.y + down * ratio * (before - width), width);
  }

  // Move by parts of what is seen.
  move(right, down) {
    const ratio = this.whole[3] / this.whole[2];
    this.show(this.x + right * this.width, this.y + down * ratio * this.width, this.width);
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
}

function tools(view) {
  const bar = document.createElement("div");
  bar.className = "tools";
  const own = [
    ["+", "Enlarge", () => view.zoom(STEP)],
    ["\u2212", "Reduce", () => view.zoom(1 / STEP)],
    ["Reset", "Show all of it", () => view.reset()],
  ];
  for (const [text, title, act] of own) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", act);
    bar.append(button);
  }
  const hint = document.createElement("span");
  hint.textContent = "wheel with Ctrl, or after a click; drag; keys + \u2212 0 and arrows";
  bar.append(hint);
  return bar;
}

for (const frame of document.querySelectorAll(".plot")) {
  const view = new View(frame);
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Picture that can be enlarged: keys + and -, arrows, 0 for all");
  frame.before(tools(view));

  frame.addEventListener("keydown", event => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(view);
  });
  // a page is scrolled past pictures: the wheel enlarges the one that was chosen
  frame.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== frame) return;
    event.preventDefault();
    view.zoom(event.deltaY < 0 ? STEP : 1 / STEP, ...view.at(event));
  }, { passive: false });
  frame.addEventListener("dblclick", event => view.zoom(STEP * STEP, ...view.at(event)));

  let from = null;
  frame.addEventListener("pointerdown", event => {
    if (event.button !== 0 || !view.enlarged) return;
    from = view.at(event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", event => {
    if (from === null) return;
    const now = view.at(event);
    view.move(from[0] - now[0], from[1] - now[1]);
    from = now;
  });
  for (const end of ["pointerup", "pointercancel"])
    frame.addEventListener(end, () => { from = null; });
}
