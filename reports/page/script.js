"use strict";
// Sorting: a click on a heading sorts its column, a second one the other way; empty cells stay at the end.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const upwards = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
    const key = row => {
      const cell = row.cells[column];
      const number = cell.dataset.sort;
      return number === undefined ? cell.textContent.trim().toLowerCase() : number === "" ? NaN : Number(number);
    };
    const rows = [...table.tBodies[0].rows];
    rows.sort((one, other) => {
      const a = key(one), b = key(other);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      const order = a < b ? -1 : a > b ? 1 : 0;
      return upwards ? order : -order;
    });
    table.tBodies[0].append(...rows);
  }));
}

// Pictures: the page holds each as it is before any zoom; here it is drawn again for another range of times.
const SVG = "http://www.w3.org/2000/svg";
for (const figure of document.querySelectorAll("figure[data-picture]")) {
  const name = figure.dataset.picture;
  const { axes, size, curves } = JSON.parse(document.getElementById(name + "-data").textContent);
  const svg = document.getElementById(name);
  const pointer = svg.querySelector(".pointer");
  const reading = figure.querySelector(".reading");
  const inner = { left: size.left, right: size.width - size.right, top: size.top, bottom: size.height - size.bottom };
  let view = { from: 0, to: axes.tMax, low: axes.low, high: axes.high };
  let at = null, dragFrom = null;
  const x = time => inner.left + (inner.right - inner.left) * (time - view.from) / (view.to - view.from);
  const y = value => inner.bottom - (inner.bottom - inner.top) * (Math.log10(value) - view.low) / (view.high - view.low);
  const timeAt = px => view.from + (view.to - view.from) * (px - inner.left) / (inner.right - inner.left);
  const element = (kind, attributes, text) => {
    const made = document.createElementNS(SVG, kind);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const shown = k => figure.querySelector(`[data-toggle="${k}"]`).checked;
  // The value of a curve at a time: its logarithm is interpolated; outside the curve there is none.
  const valueAt = (curve, time) => {
    const times = curve.time;
    if (time < times[0] || time > times[times.length - 1]) return null;
    let low = 0, high = times.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= time) low = middle; else high = middle; }
    if (times[high] === times[low]) return curve.value[low];
    const share = (time - times[low]) / (times[high] - times[low]);
    return Math.exp((1 - share) * Math.log(curve.value[low]) + share * Math.log(curve.value[high]));
  };
  const ticks = (from, to) => {
    const raw = (to - from) / 5, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
    const found = [];
    for (let k = Math.ceil(from / step); k * step <= to; k++) found.push(k * step);
    return found;
  };
  const draw = () => {
    const values = [];
    curves.forEach((curve, k) => {
      if (!shown(k)) return;
      curve.time.forEach((t, j) => { if (t >= view.from && t <= view.to) values.push(curve.value[j]); });
      for (const end of [view.from, view.to]) { const v = valueAt(curve, end); if (v !== null) values.push(v); }
    });
    const whole = view.from === 0 && view.to === axes.tMax;
    if (whole || !values.length) { view.low = axes.low; view.high = axes.high; } else {
      const logs = values.map(Math.log10).filter(Number.isFinite);
      view.high = Math.min(axes.high, Math.max(...logs) + 0.1);
      view.low = Math.max(axes.low, Math.min(...logs) - 0.1, view.high - 14);
      if (view.high - view.low < 0.2) view.low = view.high - 0.2;
    }
    curves.forEach((curve, k) => {
      for (const path of svg.querySelectorAll(`[data-curve="${k}"]`)) {
        const band = path.classList.contains("band");
        path.classList.toggle("hidden", !shown(k) || (band && !whole));
        if (band) continue;
        path.setAttribute("d", "M" + curve.time.map((t, j) => {
          const px = Math.max(-1e4, Math.min(1e4, x(t))), py = Math.max(-1e4, Math.min(1e4, y(curve.value[j])));
          return px.toFixed(1) + " " + py.toFixed(1);
        }).join("L"));
      }
    });
    const group = svg.querySelector(".ticks");
    group.replaceChildren();
    const step = Math.max(1, Math.ceil((view.high - view.low) / 7));
    const powers = [];
    if (view.high - view.low >= 1.5) for (let p = Math.floor(view.high); p >= view.low; p -= step) powers.push(p);
    else for (let j = 0; j <= 4; j++) powers.push(view.low + j * (view.high - view.low) / 4);
    for (const p of powers) {
      const py = y(10 ** p);
      group.append(element("line", { x1: inner.left, x2: inner.right, y1: py, y2: py }));
      group.append(element("text", { x: inner.left - 8, y: py + 4, "text-anchor": "end" }, Number.isInteger(p) ? "1e" + p : (10 ** p).toPrecision(2)));
    }
    for (const t of ticks(view.from, view.to)) {
      group.append(element("line", { x1: x(t), x2: x(t), y1: inner.top, y2: inner.bottom }));
      group.append(element("text", { x: x(t), y: inner.bottom + 18, "text-anchor": "middle" }, String(Number(t.toPrecision(4)))));
    }
    point();
  };
  const point = () => {
    pointer.replaceChildren();
    if (at === null || at < view.from || at > view.to) return;
    pointer.append(element("line", { x1: x(at), x2: x(at), y1: inner.top, y2: inner.bottom }));
    const words = curves.map((curve, k) => {
      const value = shown(k) ? valueAt(curve, at) : null;
      return value === null ? null : `${curve.name} ${value.toPrecision(4)}`;
    }).filter(word => word !== null);
    reading.textContent = `t = ${at.toPrecision(4)}: ${words.join("; ")}`;
  };
  const zoom = (from, to) => {
    view.from = Math.max(0, from);
    view.to = Math.min(axes.tMax, to);
    if (!(view.to - view.from > axes.tMax * 1e-6)) { view.from = 0; view.to = axes.tMax; }
    draw();
  };
  const around = factor => {
    const middle = at !== null && at >= view.from && at <= view.to ? at : view.from;
    zoom(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
  };
  const place = event => {
    const box = svg.getBoundingClientRect();
    return timeAt(Math.min(inner.right, Math.max(inner.left, (event.clientX - box.left) * size.width / box.width)));
  };
  svg.addEventListener("pointermove", event => {
    at = place(event);
    point();
    if (dragFrom !== null) {
      const [a, b] = [x(dragFrom), x(at)].sort((one, other) => one - other);
      pointer.append(element("rect", { x: a, y: inner.top, width: b - a, height: inner.bottom - inner.top }));
    }
  });
  svg.addEventListener("pointerdown", event => { dragFrom = place(event); });
  svg.addEventListener("pointerup", event => {
    const [from, to] = [dragFrom ?? place(event), place(event)].sort((one, other) => one - other);
    dragFrom = null;
    if (to - from > (view.to - view.from) / 50) zoom(from, to);
  });
  svg.addEventListener("pointerleave", () => { dragFrom = null; });
  svg.addEventListener("keydown", event => {
    const step = (view.to - view.from) / 50;
    const moves = { ArrowLeft: -step, ArrowRight: step };
    if (event.key in moves) { at = Math.min(view.to, Math.max(view.from, (at ?? view.from) + moves[event.key])); point(); }
    else if (event.key === "+" || event.key === "=") around(0.5);
    else if (event.key === "-") around(2);
    else if (event.key === "0") zoom(0, axes.tMax);
    else return;
    event.preventDefault();
  });
  for (const box of figure.querySelectorAll("[data-toggle]")) box.addEventListener("change", draw);
  for (const button of figure.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => {
    if (button.dataset.zoom === "reset") zoom(0, axes.tMax); else around(button.dataset.zoom === "in" ? 0.5 : 2);
  });
}
