"use strict";
// Draws the points of `#data`. Text from files is only ever set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const canvas = document.getElementById("map"), pen = canvas.getContext("2d");
const tip = document.getElementById("tip"), list = document.getElementById("list"), chosen = document.getElementById("chosen");
const colours = { text: "#3b82f6", image: "#f59e0b", audio: "#10b981", video: "#ec4899" };
const shown = new Set(data.modalities);
const LISTED = 60, REACH = 14, RADIUS = 4;
let view = { x: 0, y: 0, zoom: 1 }, words = "", picked = -1, drag = null;

const colourOf = (name) => colours[name] || "#8b5cf6";
const isShown = (point) => shown.has(point.modality) && (!words || point.words.includes(words));
for (const point of data.points) point.words = `${point.key} ${point.snippet || ""}`.toLowerCase();

function scale() { return (Math.min(canvas.clientWidth, canvas.clientHeight) / 2 - 20) * view.zoom; }
function place(point) {
  const s = scale();
  return [canvas.clientWidth / 2 + (point.x - view.x) * s, canvas.clientHeight / 2 - (point.y - view.y) * s];
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const radius = Math.min(9, RADIUS * Math.sqrt(view.zoom));
  data.points.forEach((point, index) => {
    const [x, y] = place(point);
    if (x < -10 || y < -10 || x > canvas.clientWidth + 10 || y > canvas.clientHeight + 10) return;
    pen.globalAlpha = isShown(point) ? 0.8 : 0.06;
    pen.fillStyle = colourOf(point.modality);
    pen.beginPath();
    pen.arc(x, y, index === picked ? radius + 4 : radius, 0, 2 * Math.PI);
    pen.fill();
    if (index === picked) { pen.globalAlpha = 1; pen.lineWidth = 2; pen.strokeStyle = getComputedStyle(document.body).color; pen.stroke(); }
  });
}

function describe(point, withLink) {
  const parts = [];
  if (point.thumbnail) {
    const image = document.createElement("img");
    image.src = "data:image/jpeg;base64," + point.thumbnail;
    image.alt = "";
    parts.push(image);
  }
  const name = document.createElement(withLink && point.address ? "a" : "b");
  name.textContent = point.key;
  if (withLink && point.address) name.href = point.address;
  const about = document.createElement("small");
  about.textContent = [point.modality, point.place].filter(Boolean).join(", ");
  const text = document.createElement("div");
  text.textContent = point.snippet || "";
  parts.push(name, document.createElement("br"), about, text);
  return parts;
}

function nearest(x, y) {
  let best = -1, least = REACH * REACH;
  data.points.forEach((point, index) => {
    if (!isShown(point)) return;
    const [px, py] = place(point), distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) { least = distance; best = index; }
  });
  return best;
}

function pick(index, isCentred) {
  picked = index;
  chosen.replaceChildren(...(index < 0 ? [] : describe(data.points[index], true)));
  if (index >= 0 && isCentred) { view.x = data.points[index].x; view.y = data.points[index].y; }
  draw();
}

function showTip(index, x, y) {
  tip.hidden = index < 0;
  if (index < 0) return;
  tip.replaceChildren(...describe(data.points[index], false));
  tip.style.left = Math.max(4, Math.min(x + 14, window.innerWidth - tip.offsetWidth - 4)) + "px";
  tip.style.top = Math.max(4, Math.min(y + 14, window.innerHeight - tip.offsetHeight - 4)) + "px";
}

function fillList() {
  const rows = [];
  let count = 0;
  data.points.forEach((point, index) => {
    if (!isShown(point)) return;
    count += 1;
    if (rows.length >= LISTED) return;
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = point.place ? `${point.key}, ${point.place}` : point.key;
    button.addEventListener("click", () => pick(index, true));
    row.append(button);
    rows.push(row);
  });
  if (count > rows.length) {
    const more = document.createElement("li");
    more.textContent = `and ${count - rows.length} more`;
    rows.push(more);
  }
  list.replaceChildren(...rows);
}

function zoomAt(factor, x, y) {
  const s = scale(), fromX = (x - canvas.clientWidth / 2) / s, fromY = (canvas.clientHeight / 2 - y) / s;
  const zoom = Math.min(200, Math.max(0.5, view.zoom * factor)), kept = 1 - view.zoom / zoom;
  view = { x: view.x + fromX * kept, y: view.y + fromY * kept, zoom };
  draw();
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = canvas.getBoundingClientRect();
  zoomAt(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, moved: 0 }; canvas.setPointerCapture(event.pointerId); });
canvas.addEventListener("pointermove", (event) => {
  const box = canvas.getBoundingClientRect();
  if (!drag) { showTip(nearest(event.clientX - box.left, event.clientY - box.top), event.clientX, event.clientY); return; }
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y, s = scale();
  drag = { x: event.clientX, y: event.clientY, moved: drag.moved + Math.abs(dx) + Math.abs(dy) };
  view.x -= dx / s; view.y += dy / s;
  showTip(-1);
  draw();
});
canvas.addEventListener("pointerup", (event) => {
  const box = canvas.getBoundingClientRect();
  if (drag && drag.moved < 5) pick(nearest(event.clientX - box.left, event.clientY - box.top), false);
  drag = null;
});
canvas.addEventListener("pointerleave", () => showTip(-1));
canvas.addEventListener("keydown", (event) => {
  const step = 40 / scale(), moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (moves[event.key]) { view.x += moves[event.key][0]; view.y += moves[event.key][1]; draw(); event.preventDefault(); }
  if (event.key === "+" || event.key === "-") zoomAt(event.key === "+" ? 1.25 : 0.8, canvas.clientWidth / 2, canvas.clientHeight / 2);
});
document.getElementById("find").addEventListener("input", (event) => { words = event.target.value.trim().toLowerCase(); fillList(); draw(); });
document.getElementById("reset").addEventListener("click", () => { view = { x: 0, y: 0, zoom: 1 }; draw(); });
window.addEventListener("resize", draw);

for (const name of data.modalities) {
  const label = document.createElement("label"), box = document.createElement("input"), dot = document.createElement("i");
  box.type = "checkbox"; box.checked = true;
  dot.style.background = colourOf(name);
  box.addEventListener("change", () => { if (box.checked) shown.add(name); else shown.delete(name); fillList(); draw(); });
  label.append(box, dot, `${name} (${data.points.filter((point) => point.modality === name).length})`);
  document.getElementById("legend").append(label);
}
document.getElementById("about").textContent = data.about;
fillList();
draw();
