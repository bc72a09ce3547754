"use strict";
(() => {
  const UNIT = 10000, MEAN = "mean";
  const COLOURS = { before: "#7d8ca3", after: "#2f6fde", gpa: "#7a5cc9", ceiling: "#549a75", null: "#cc7722", shrunken: "#1d8fa3", shrunken_null: "#a3743f", refined: "#2a7a4b", refined_null: "#8c6d46", identical: "#6d7f2a", identical_null: "#9c7a52", ceiling_null: "#b08a60", chance: "#8a8f99" };
  const SERIES = ["model", "embedding", "pooling", "layer", "retrieval", "csls_k", "candidates", "completion"];
  const place = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children);
    return made;
  };
  const percent = (value, digits = 1) => (value === null || value === undefined ? "" : (value / 100).toFixed(digits));
  // As many digits as the interval supports: the rule of jaxalign.report.names.digits.
  const digitsOf = (cell) => (cell.low === null || cell.low === undefined || cell.low === cell.high ? 2 : cell.high - cell.low >= 2000 ? 0 : cell.high - cell.low >= 50 ? 1 : 2);
  const interval = (cell) => (cell.low === null || cell.low === undefined ? "" : ` (${percent(cell.low, digitsOf(cell))} to ${percent(cell.high, digitsOf(cell))})`);

  let data, chosen = {}, pair = null;
  const views = { heat: [], pair: [], map: [] }; // finalized when they are drawn again

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }
  async function library() { // a script element of its own, as if it stood in the page
    const script = document.createElement("script");
    script.textContent = await unpack(place("explorer-library").textContent);
    document.head.append(script);
  }

  // Figures: one record per matrix, found by series, setting, seed size, subset and metric.
  const keyOf = (...parts) => parts.join("|");
  function index() {
    data.names = Object.fromEntries(data.languages.map(([code, name]) => [code, name === code ? code : `${name} (${code})`]));
    data.groups = groupsOf(false);
    data.place = {};
    let number = 0;
    data.languages.forEach(([source]) => data.languages.forEach(([target]) => {
      if (source !== target) data.place[keyOf(source, target)] = number++;
    }));
    data.series = data.series.map((values) => Object.fromEntries(SERIES.map((name, i) => [name, values[i]])));
    data.matrix = new Map();
    data.sizes = new Map();
    data.cells.forEach(([series, setting, size, subset, metric, values, lows, highs, count, mean]) => {
      data.matrix.set(keyOf(series, setting, size, subset, metric), { setting, subset, metric, size, series, values, lows, highs, count, mean });
      const sizes = data.sizes.get(keyOf(series, setting)) || [];
      if (!sizes.includes(size)) data.sizes.set(keyOf(series, setting), [...sizes, size].sort((a, b) => a - b));
    });
  }
  function matrix(series, setting, subset = "all", metric = "P@1", size = null) {
    const sizes = size === null ? [...(data.sizes.get(keyOf(series, setting)) || [])].reverse() : [size];
    return sizes.map((one) => data.matrix.get(keyOf(series, setting, one, subset, metric))).find(Boolean);
  }
  function cell(from, source, target) {
    if (!from) return null;
    if (source === MEAN) return from.mean ? { value: from.mean[0], low: from.mean[1], high: from.mean[2], count: null } : null;
    const i = data.place[keyOf(source, target)];
    if (from.values[i] === null || from.values[i] === undefined) return null;
    return { value: from.values[i], low: from.lows[i] ?? null, high: from.highs[i] ?? null, count: Array.isArray(from.count) ? from.count[i] : from.count };
  }

  // Pickers: each offers what is there under the choices before it; one that offers a single value is not shown.
  const PICKED = ["model", "embedding", "pooling", "retrieval", "csls_k", "candidates", "completion", "layer"];
  const LABELS = { csls_k: "CSLS k", candidates: "candidates", completion: "completion" };
  const within = (upTo) => data.series.filter((one) => PICKED.slice(0, upTo).every((name) => one[name] === chosen[name]));
  const unique = (values) => [...new Set(values)];
  function embeddingName(name) {
    if (name === "vanilla") return "bare word";
    if (name === "vec") return "given vectors";
    const [kind, own] = [name.split(":")[0], name.slice(name.indexOf(":") + 1)];
    return ["prompt", "context"].includes(kind) && own !== name ? `${kind} “${own}”` : name;
  }
  // Groups of languages: families and scripts that have two or more of them.
  function groupsOf(single) {
    const named = (at, label) => unique(data.languages.map((one) => one[at])).filter(Boolean).sort().map((name) => `${label} ${name}`);
    const every = [...named(3, "family:"), ...named(2, "script:")];
    return every.filter((group) => members(group).length >= (single ? 1 : 2) && members(group).length < data.languages.length);
  }
  function members(group) {
    const name = (group || "all").replace(/^(family|script|language): /, "");
    return data.languages.filter(([code, , script, family]) => name === "all" || [code, script, family].includes(name)).map(([code]) => code);
  }
  const groupName = (group) => (group.startsWith("language: ") ? data.names[group.slice(10)] : group === "all" ? "all" : group);
  const SHOWN = { group: groupName, of: groupName, kinship: (name) => name || "none", mapped: (name) => data.settings[name], embedding: embeddingName, retrieval: (name) => data.retrievals[name] || name, setting: (name) => data.settings[name] || name, "setting-board": (name) => data.settings[name] || name };
  function picker(name, label, values, current, onPick) {
    const id = `pick-${name}`;
    const select = make("select", { id, name });
    values.forEach((value) => {
      const option = make("option", { value }, String((SHOWN[name] || String)(value)));
      if (value === current) option.selected = true;
      select.append(option);
    });
    select.addEventListener("change", () => onPick(values[select.selectedIndex]));
    return make("label", { for: id }, make("span", {}, label), select);
  }
  function slider(values, current, onPick) {
    const output = make("output", { for: "pick-layer" }, `${current} of ${values[values.length - 1]}`);
    const input = make("input", { id: "pick-layer", type: "range", min: 0, max: values.length - 1, step: 1, "aria-valuetext": `layer ${current}` });
    input.value = values.indexOf(current);
    input.addEventListener("input", () => onPick(values[+input.value]));
    return make("label", { for: "pick-layer" }, make("span", {}, "layer"), input, output);
  }
  function pickers() {
    const form = place("pick"), focused = document.activeElement && document.activeElement.id;
    form.replaceChildren();
    PICKED.forEach((name, number) => {
      const values = unique(within(number).map((one) => one[name]));
      if (name === "layer") values.sort((a, b) => a - b);
      if (!values.includes(chosen[name])) chosen[name] = name === "layer" ? values[values.length - 1] : values[0];
      if (values.length < 2) return;
      const onPick = (value) => { chosen[name] = value; show(); };
      form.append(name === "layer" ? slider(values, chosen.layer, onPick) : picker(name, LABELS[name] || name, values, chosen[name], onPick));
    });
    const series = seriesPlace();
    const mine = [...data.matrix.values()].filter((one) => one.series === series && !one.setting.includes(" - ") && one.setting !== "chance");
    [["setting", mine], ["subset", null], ["metric", null]].forEach(([name]) => {
      const fits = mine.filter((one) => (name === "setting" || one.setting === chosen.setting) && (name !== "metric" || one.subset === chosen.subset));
      const values = unique(fits.map((one) => one[name]));
      if (!values.includes(chosen[name])) chosen[name] = values.includes("after") ? "after" : values[0];
      if (values.length > 1) form.append(picker(name, name, values, chosen[name], (value) => { chosen[name] = value; show(); }));
    });
    if (data.groups.length > 1 && data.languages.length > 5) {
      form.append(picker("group", "languages", ["all", ...data.groups], chosen.group || "all", (value) => { chosen.group = value; show(); }));
    }
    if (data.languages.length > 12) {
      form.append(picker("zoom", "cells", ["fit", "large"], chosen.zoom || "fit", (value) => { chosen.zoom = value; show(); }));
    }
    if (focused && place(focused)) place(focused).focus();
  }
  function seriesPlace() {
    return data.series.findIndex((one) => PICKED.every((name) => one[name] === chosen[name]));
  }

  // Colours of cells run from the page's paper to one ink; digits are black or white, whichever has more contrast.
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  function shade(share) {
    const low = channels(css("--paper")), high = channels(css("--heat"));
    const mixed = low.map((from, i) => Math.round(from + (high[i] - from) * share));
    const linear = mixed.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    return { fill: `rgb(${mixed})`, ink: (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff" };
  }
  function config() {
    const ink = "var(--ink)", line = "var(--line)";
    return { background: null, view: { stroke: null }, font: "system-ui, sans-serif",
      axis: { labelColor: ink, titleColor: ink, domainColor: line, tickColor: line, gridColor: line, labelFontSize: 12, titleFontSize: 12 },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 12 } };
  }
  async function draw(kind, target, spec, label) {
    if (kind === "map") views.map.splice(0).forEach((one) => one.finalize());
    const result = await vegaEmbed(target, { $schema: "https://vega.github.io/schema/vega-lite/v6.json", description: label, config: config(), ...spec }, { actions: false, renderer: "svg" });
    views[kind].push(result);
    if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0; // a chart that scrolls is reached by keyboard
    else target.removeAttribute("tabindex");
    return result.view;
  }

  async function heat() {
    const codes = members(chosen.group);
    const from = matrix(seriesPlace(), chosen.setting, chosen.subset, chosen.metric);
    const values = [];
    codes.forEach((source) => codes.forEach((target) => {
      const one = source === target ? null : cell(from, source, target);
      if (one) values.push({ source, target, shown: one.value / 100, ...shade(Math.max(0, Math.min(1, one.value / UNIT))), from: data.names[source], to: data.names[target], value: `${percent(one.value, digitsOf(one))} %`, interval: interval(one).trim(), queries: one.count });
    }));
    document.querySelector("div.explorer").classList.toggle("wide", codes.length > 24); // the map has the whole width
    const width = place("heat").parentElement.clientWidth - 70;
    const fit = Math.max(6, Math.min(52, Math.floor(width / codes.length)));
    const step = chosen.zoom === "large" ? 34 : fit;
    const axis = (title) => ({ title, labelAngle: title === "target" && step < 24 ? -90 : 0, labelLimit: 60, labelFontSize: Math.min(12, Math.max(7, step)), domain: false, ticks: false });
    const layer = [{ mark: { type: "rect", cursor: "pointer" }, encoding: { color: { field: "fill", type: "nominal", scale: null } } }];
    if (step >= 24) {
      layer.push({ mark: { type: "text", fontSize: 11, cursor: "pointer" }, encoding: { text: { field: "shown", type: "quantitative", format: step >= 40 ? ".1f" : ".0f" }, color: { field: "ink", type: "nominal", scale: null } } });
    }
    const what = `${chosen.metric}, ${data.settings[chosen.setting] || chosen.setting}${chosen.subset === "all" ? "" : `, ${chosen.subset}`}`;
    const mean = cell(from, MEAN, MEAN);
    const view = await draw("heat", place("heat"), { data: { values }, width: { step }, height: { step }, encoding: {
      x: { field: "target", type: "nominal", sort: codes, axis: { ...axis("target"), orient: "top" } }, y: { field: "source", type: "nominal", sort: codes, axis: axis("source") },
      tooltip: ["from", "to", "value", "interval", "queries"].map((field) => ({ field, type: "nominal" })) }, layer }, `Heat map of ${what}, percent, from the row's language to the column's.`);
    view.addEventListener("click", (event, item) => { if (item && item.datum && item.datum.source) { pair = [item.datum.source, item.datum.target]; showPair(); } });
    place("heat-note").textContent = `${what}, percent: from the row's language to the column's.${mean ? ` Mean of all pairs ${percent(mean.value, digitsOf(mean))} %${interval(mean)}.` : ""}`;
  }

  // One pair: facts, curves, words.
  function pairPickers() {
    const form = place("pick-pair");
    form.replaceChildren();
    const codes = data.languages.map(([code]) => code);
    const named = (code) => data.names[code] || "mean of all pairs";
    const add = (name, label, values, current, set) => {
      const select = make("select", { id: `pick-${name}`, name });
      values.forEach((value) => { const option = make("option", { value }, named(value)); option.selected = value === current; select.append(option); });
      select.addEventListener("change", () => { set(select.value); showPair(`pick-${name}`); });
      form.append(make("label", { for: `pick-${name}` }, make("span", {}, label), select));
    };
    add("source", "from", [MEAN, ...codes], pair[0], (value) => { pair = value === MEAN ? [MEAN, MEAN] : [value, pair[1] === value || pair[1] === MEAN ? codes.find((code) => code !== value) : pair[1]]; });
    if (pair[0] !== MEAN) add("target", "to", codes.filter((code) => code !== pair[0]), pair[1], (value) => { pair = [pair[0], value]; });
  }
  function facts() {
    const series = seriesPlace(), body = [];
    Object.keys(data.settings).forEach((setting) => {
      const one = cell(matrix(series, setting, chosen.subset, chosen.metric) || (setting === "chance" ? matrix(series, setting, "all", chosen.metric) : null), ...pair);
      if (one) body.push([data.settings[setting], percent(one.value, digitsOf(one)), interval(one).trim().slice(1, -1), one.count ?? ""]);
    });
    const change = cell(matrix(series, "after - before"), ...pair), p = cell(matrix(series, "after - before", "all", "P@1_p"), ...pair);
    if (change) {
      const said = p === null ? "" : p.value <= 10 ? ", p ≤ .001" : `, p = ${(p.value / UNIT).toFixed(3).replace("0.", ".")}`;
      body.push(["fitted map - no map, P@1", percent(change.value, digitsOf(change)), interval(change).trim().slice(1, -1) + said, change.count ?? ""]);
    }
    const head = make("tr", {}, ...["setting", "percent", "95 % interval", "queries"].map((name, i) => make("th", { scope: "col", ...(i ? { class: "n" } : {}) }, name)));
    const rows = body.map(([name, ...rest]) => make("tr", {}, make("th", { scope: "row" }, name), ...rest.map((text) => make("td", { class: "n" }, String(text)))));
    const title = pair[0] === MEAN ? "Mean of all pairs" : `${data.names[pair[0]]} to ${data.names[pair[1]]}`;
    place("pair-facts").replaceChildren(make("h3", {}, title), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Figures of ${title}` }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
    window.scrollSign?.(place("pair-facts").querySelector(".scroll"));
  }
  async function curves() {
    const target = place("curves"), series = seriesPlace(), now = data.series[series];
    views.pair.splice(0).forEach((one) => one.finalize());
    target.replaceChildren();
    const points = { layer: [], "seed concepts": [] };
    const push = (name, x, setting, one) => one && points[name].push({ x, setting, shown: one.value / 100, low: one.low === null ? null : one.low / 100, high: one.high === null ? null : one.high / 100, name: data.settings[setting], value: `${percent(one.value, digitsOf(one))} %${interval(one)}` });
    data.series.forEach((other, number) => {
      if (!PICKED.every((name) => name === "layer" || other[name] === now[name])) return;
      ["before", "after", "shrunken", "null", "ceiling"].forEach((setting) => push("layer", other.layer, setting, cell(matrix(number, setting, chosen.subset, chosen.metric), ...pair)));
    });
    ["after", "shrunken", "null"].forEach((setting) => (data.sizes.get(keyOf(series, setting)) || []).forEach((size) => push("seed concepts", size, setting, cell(matrix(series, setting, chosen.subset, chosen.metric, size), ...pair))));
    for (const [name, values] of Object.entries(points)) {
      if (unique(values.map((one) => one.x)).length < 2) continue;
      const box = make("div", { class: "chart" });
      target.append(box);
      const settings = unique(values.map((one) => one.setting));
      const colour = { field: "setting", type: "nominal", scale: { domain: settings, range: settings.map((setting) => COLOURS[setting]) }, legend: { title: null, orient: "top", labelExpr: `${JSON.stringify(data.settings)}[datum.label]` } };
      const x = { field: "x", type: "quantitative", title: name, axis: { tickMinStep: 1, format: "d" } }, y = { field: "shown", type: "quantitative", title: `${chosen.metric}, percent`, scale: { zero: true } };
      await draw("pair", box, { data: { values }, width: Math.max(180, Math.min(330, place("pair").clientWidth - 70)), height: 170, layer: [
        { mark: { type: "area", opacity: 0.18 }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: colour } },
        { mark: { type: "line", point: { size: 45 } }, encoding: { x, y, color: colour, tooltip: [{ field: "name", title: "setting" }, { field: "x", title: name }, { field: "value", title: chosen.metric }] } }] },
      `Curves of ${chosen.metric} by ${name} for this pair.`);
    }
  }
  // Map of concepts: the pair's points in two dimensions, each linked to its translation.
  let mapped = "after", wanted = "";
  function mapOf() {
    const now = data.series[seriesPlace()];
    const record = data.maps.find(({ label }) => label.model === now.model && label.embedding === now.embedding && label.pooling === now.pooling);
    const code = record && pair.find((one) => one !== record.hub && record.pairs[one]);
    return record && code && pair.includes(record.hub) ? { record, code } : null;
  }
  function mapPickers() {
    const form = place("pick-map"), shown = mapOf();
    form.replaceChildren();
    place("map").replaceChildren();
    if (!shown) return;
    form.append(picker("mapped", "map of concepts", ["before", "after"], mapped, (value) => { mapped = value; map(); }));
    const input = make("input", { id: "pick-concept", type: "search", placeholder: "find a word" });
    input.value = wanted;
    input.addEventListener("input", () => { wanted = input.value; map(); });
    form.append(make("label", { for: "pick-concept" }, make("span", {}, "find in the map"), input));
  }
  async function map() {
    const shown = mapOf();
    if (!shown) return;
    const { record, code } = shown, points = record.pairs[code];
    const matches = (i) => wanted && [record.ids[i], record.words[code][i], record.words[record.hub][i]].some((text) => text.toLowerCase().includes(wanted.toLowerCase()));
    const links = [], dots = [];
    record.ids.forEach((concept, i) => {
      const [x, y] = points[mapped][i], [x2, y2] = points.hub[i];
      const told = { concept, word: record.words[code][i], translation: record.words[record.hub][i], bold: Boolean(matches(i)) };
      links.push({ x, y, x2, y2, ...told });
      dots.push({ x, y, language: data.names[code], ...told }, { x: x2, y: y2, language: data.names[record.hub], ...told });
    });
    const axis = { axis: null, scale: { domain: [-1050, 1050] } }, x = { field: "x", type: "quantitative", ...axis }, y = { field: "y", type: "quantitative", ...axis };
    const tooltip = ["concept", "word", "translation"].map((field) => ({ field, type: "nominal" }));
    const strong = (yes, no) => ({ condition: { test: "datum.bold", value: yes }, value: no });
    const size = Math.max(220, Math.min(380, place("pair").clientWidth - 20));
    const colour = { field: "language", type: "nominal", scale: { domain: [data.names[code], data.names[record.hub]], range: ["#0f8b8d", "#c2566a"] }, legend: { title: null, orient: "top" } };
    await draw("map", place("map"), { width: size, height: size, layer: [
      { data: { values: links }, mark: { type: "rule", color: "#8a94a3" }, encoding: { x, y, x2: { field: "x2" }, y2: { field: "y2" }, opacity: strong(1, wanted ? 0.12 : 0.35), strokeWidth: strong(2, 0.7) } },
      { data: { values: dots }, mark: { type: "circle" }, encoding: { x, y, color: colour, tooltip, size: strong(140, 26), opacity: strong(1, wanted ? 0.25 : 0.9) } }] },
    `Map of ${record.ids.length} test concepts of ${data.names[code]} and ${data.names[record.hub]}, ${data.settings[mapped]}.`);
  }
  let listed = "sample", sought = "";
  function wordsOf() {
    const now = data.series[seriesPlace()];
    const same = (place) => ["model", "embedding", "pooling"].every((name) => data.series[place][name] === now[name]);
    return data.words.find(([place, source, target]) => same(place) && source === pair[0] && target === pair[1]);
  }
  function wordPickers() {
    const form = place("pick-words"), shown = wordsOf();
    form.replaceChildren();
    if (!shown) { place("pair-words").replaceChildren(); return; }
    const [, , , , , , worst, common] = shown;
    const lists = ["sample", ...(worst.length ? ["worst"] : []), ...(common.length ? ["common"] : [])];
    listed = lists.includes(listed) ? listed : "sample";
    SHOWN.list = (name) => ({ sample: "random sample", worst: "worst ranks", common: "commonest confusions" })[name];
    form.append(picker("list", "wrong words", lists, listed, (value) => { listed = value; showWords(); }));
    const input = make("input", { id: "pick-search", type: "search", placeholder: "search a word", "aria-label": "Search the wrong words" });
    input.value = sought;
    input.addEventListener("input", () => { sought = input.value; showWords(); });
    form.append(make("label", { for: "pick-search" }, make("span", {}, "search"), input));
    showWords();
  }
  function showWords() {
    const shown = wordsOf();
    if (!shown) return;
    const [series, source, target, queries, wrong, sample, worst, common] = shown;
    const word = (text, lang) => make("bdi", { lang }, String(text));
    const hit = (...texts) => texts.some((text) => String(text).toLowerCase().includes(sought.toLowerCase()));
    const items = listed === "common" ? common.filter(([text]) => hit(text)).map(([text, times]) => make("li", {}, word(text, target), ` ${times} times`))
      : (listed === "worst" ? worst : sample).filter(([concept, ...texts]) => hit(concept, ...texts.slice(0, 3))).map(([concept, query, retrieved, right, rank]) => {
        const bold = make("b", {}, word(query, source));
        return make("li", { title: concept }, bold, " → ", word(retrieved, target), make("span", { class: "soft" }, " (", word(right, target), ` was rank ${rank})`));
      });
    const layer = data.series[series].layer;
    const total = queries ? `${wrong} of ${queries} wrong with the fitted map, layer ${layer}; ${items.length} listed.` : `${items.length} listed, layer ${layer}.`;
    place("pair-words").replaceChildren(make("p", { class: "note" }, total), make("ul", { class: "words" }, ...items));
  }
  // Models: a table over chosen languages, with the mean of the pairs' intervals where the run has none for them.
  const board = { of: "all", kinship: "all", setting: "after", space: null };
  const spaceOf = ({ embedding, retrieval, csls_k: k, candidates, completion }) => [embeddingName(embedding), data.retrievals[retrieval] || retrieval, k, candidates, completion].join("|");
  function spaceName(space) { // the parts that differ between the spaces of the table
    const every = unique(data.board.map(([series]) => spaceOf(data.series[series]))).map((one) => one.split("|"));
    const parts = space.split("|").filter((part, i) => i < 2 || unique(every.map((one) => one[i])).length > 1);
    return parts.join(", ");
  }
  function boardCell(series, codes) {
    const from = matrix(series, board.setting);
    if (!from) return null;
    if (codes.length === data.languages.length) return cell(from, MEAN, MEAN) || mean(from, codes, codes);
    return mean(from, codes, data.languages.map(([code]) => code));
  }
  function mean(from, some, every) { // of all pairs in which one of some languages is source or target
    const cells = [];
    every.forEach((source) => every.forEach((target) => {
      const one = source !== target && (some.includes(source) || some.includes(target)) ? cell(from, source, target) : null;
      if (one) cells.push(one);
    }));
    if (!cells.length) return null;
    const average = (name) => (cells.every((one) => one[name] !== null) ? cells.reduce((sum, one) => sum + one[name], 0) / cells.length : null);
    return { value: average("value"), low: average("low"), high: average("high"), count: cells.length };
  }
  function showBoard(focus) {
    const target = place("board");
    if (!target || data.board.length < 2) return;
    const languages = ["all", ...groupsOf(true), ...data.languages.map(([code]) => `language: ${code}`)];
    const kinships = ["all", ...unique(data.board.map(([, kinship]) => kinship)).sort()];
    const spaces = unique(data.board.map(([series]) => spaceOf(data.series[series])));
    if (!spaces.includes(board.space)) board.space = spaces.includes(spaceOf(data.series[data.best])) ? spaceOf(data.series[data.best]) : spaces[0];
    const form = make("form", { class: "pickers", "aria-label": "What the table of models shows" });
    const set = (name, id) => (value) => { board[name] = value; showBoard(id); };
    form.append(picker("of", "languages", languages, board.of, set("of", "pick-of")));
    SHOWN.space = spaceName;
    if (spaces.length > 1) form.append(picker("space", "space", spaces, board.space, set("space", "pick-space")));
    if (kinships.length > 2) form.append(picker("kinship", "family of models", kinships, board.kinship, set("kinship", "pick-kinship")));
    form.append(picker("setting-board", "setting", ["after", "before"], board.setting, set("setting", "pick-setting-board")));
    const codes = members(board.of), everything = board.of === "all" && board.setting === "after", ranked = data.board.some(([, , , , rank]) => rank);
    const rows = data.board.filter(([series, kinship]) => (board.kinship === "all" || kinship === board.kinship) && spaceOf(data.series[series]) === board.space)
      .map(([series, kinship, size, group, rank]) => ({ series: data.series[series], kinship, size, group, rank, cell: boardCell(series, codes) })).filter((one) => one.cell);
    rows.sort((a, b) => b.cell.value - a.cell.value);
    const number = (text, value, small) => { const made = make("td", { class: "n", "data-v": value ?? "" }, text); if (small) made.append(" ", make("small", {}, small)); return made; };
    const body = rows.map(({ series, kinship, size, group, rank, cell: one }) => make("tr", {}, make("th", { scope: "row" }, series.model), make("td", {}, kinship),
      make("td", {}, `${embeddingName(series.embedding)}${series.pooling === "none" ? "" : `, ${series.pooling}`}, layer ${series.layer}, ${data.retrievals[series.retrieval] || series.retrieval}`),
      number(size === null ? "" : String(+size.toPrecision(3)), size), number(percent(one.value, digitsOf(one)), one.value, shortInterval(one)), ...(everything ? [number(group === null ? "" : String(group), group), ...(ranked ? [number(rank || "", rank ? parseInt(rank, 10) : "")] : [])] : [])));
    const heads = ["model", "family", "space", "billion parameters", "P@1, percent", ...(everything ? ["group", ...(ranked ? ["place"] : [])] : [])];
    const head = make("tr", {}, ...heads.map((name, i) => make("th", { scope: "col", ...(i > 2 ? { class: "n" } : {}) }, make("button", { type: "button" }, name))));
    const label = `P@1 by model, ${data.settings[board.setting]}, ${groupName(board.of) === "all" ? "all languages" : groupName(board.of)}`;
    const table = make("table", { class: "sort" }, make("thead", {}, head), make("tbody", {}, ...body));
    const note = board.of === "all" ? "Mean of all ordered pairs, 95 % intervals. Group: models of one group cannot be told apart on the same concepts; place: with the interval that holds for all at once."
      : "Mean of all ordered pairs with one of these languages; the interval is the mean of the pairs' intervals, which is wider than that of their mean. Groups were tested over all languages only.";
    target.replaceChildren(form, make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table), make("p", { class: "note" }, note));
    target.hidden = false;
    window.sortable(table);
    window.scrollSign(table.parentElement);
    if (focus && place(focus)) place(focus).focus();
  }
  const shortInterval = (one) => (one.low === null ? "" : `(${percent(one.low, digitsOf(one))}-${percent(one.high, digitsOf(one))})`);
  async function showPair(focus) {
    pairPickers();
    facts();
    wordPickers();
    if (focus && place(focus)) place(focus).focus();
    await curves();
    mapPickers();
    await map();
  }
  let queue = Promise.resolve();
  function show() {
    queue = queue.then(async () => {
      views.heat.splice(0).forEach((one) => one.finalize());
      pickers();
      await heat();
      await showPair();
    });
    return queue;
  }

  (async () => {
    if (!window.DecompressionStream) return; // a browser from before 2023: tables and figures remain
    await library();
    data = JSON.parse(await unpack(place("explorer-data").textContent));
    index();
    chosen = { ...data.series[data.best], setting: "after", subset: "all", metric: "P@1" };
    const codes = data.languages.map(([code]) => code);
    pair = codes.length > 1 ? [codes.find((code) => code !== data.hub), data.hub] : [MEAN, MEAN];
    place("explorer").hidden = false;
    await show();
    showBoard();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    let width = innerWidth;
    addEventListener("resize", () => { if (Math.abs(innerWidth - width) > 60) { width = innerWidth; show(); } });
    document.documentElement.dataset.explorer = "ready";
  })();
})();
