"use strict";
// Tables sort on a click on a header.
window.sortable = (table) => {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const down = head.getAttribute("aria-sort") !== "descending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const rows = Array.from(body.rows).sort((one, other) => {
        const a = key(one), b = key(other), order = a === "" || b === "" ? (a === "") - (b === "") : 0;
        if (order) return order;
        const both = Number.isFinite(+a) && Number.isFinite(+b) ? a - b : String(a).localeCompare(b);
        return down ? -both : both;
      });
      body.append(...rows);
    });
  });
  addTools(table);
};

// A box that hides columns says so.
window.scrollSign = (box) => {
  const wider = box.scrollWidth > box.clientWidth + 1;
  let sign = box.previousElementSibling;
  if (!sign || !sign.classList.contains("sign")) {
    if (!wider) return;
    sign = document.createElement("p");
    sign.className = "sign note";
    sign.textContent = "More columns to the right: scroll inside the table.";
    box.before(sign);
  }
  sign.hidden = !wider;
};

// Every table can be copied or saved, with the digits and intervals that it shows.
const cellText = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
const lines = (table) => Array.from(table.rows, (row) => Array.from(row.cells, cellText));
const FORMS = {
  csv: (table) => lines(table).map((row) => row.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\n") + "\n",
  markdown: (table) => {
    const [head, ...body] = lines(table).map((row) => row.map((text) => text.replaceAll("|", "\\|")));
    const rule = Array.from(table.rows[0].cells, (cell) => (cell.classList.contains("n") ? "---:" : "---"));
    return [head, rule, ...body].map((row) => `| ${row.join(" | ")} |`).join("\n") + "\n";
  },
  latex: (table) => {
    const special = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "·": "$\\cdot$", "≤": "$\\le$", "→": "$\\to$" };
    const safe = (text) => text.replace(/[\\~^·≤→&%$#_{}]/g, (letter) => special[letter] || `\\${letter}`);
    const [head, ...body] = lines(table).map((row) => `${row.map(safe).join(" & ")} \\\\`);
    const columns = Array.from(table.rows[0].cells, (cell) => (cell.classList.contains("n") ? "r" : "l")).join("");
    return `% Needs \\usepackage{booktabs}.\n\\begin{tabular}{${columns}}\n\\toprule\n${head}\n\\midrule\n${body.join("\n")}\n\\bottomrule\n\\end{tabular}\n`;
  },
};
const KINDS = { csv: ["CSV", "csv", "text/csv"], markdown: ["Markdown", "md", "text/markdown"], latex: ["LaTeX", "tex", "text/x-tex"] };
function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => act(made));
  return made;
}
window.save = (text, name, type) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
window.copy = async (text, pressed) => {
  const before = pressed.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a page from a file may have no clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    pressed.focus();
  }
  pressed.textContent = "copied";
  setTimeout(() => { pressed.textContent = before; }, 1200);
};
function addTools(table) {
  const box = table.closest(".scroll"), name = box.getAttribute("aria-label") || "table";
  if (!table.tBodies[0].rows.length || (box.nextElementSibling || {}).className === "tools") return;
  const file = name.toLowerCase().replace(/[^a-z0-9@]+/g, "-").replace(/^-|-$/g, "").slice(0, 60);
  const tools = document.createElement("details");
  tools.className = "tools";
  const summary = document.createElement("summary");
  summary.textContent = "Copy or save this table";
  tools.append(summary);
  Object.entries(KINDS).forEach(([form, [label, ending, type]]) => {
    tools.append(button(`Copy ${label}`, (pressed) => window.copy(FORMS[form](table), pressed)));
    tools.append(button(`Save ${label}`, () => window.save(FORMS[form](table), `${file}.${ending}`, type)));
  });
  box.after(tools);
}

document.querySelectorAll("table.sort").forEach(window.sortable);
const signs = () => document.querySelectorAll(".scroll").forEach(window.scrollSign);
signs();
addEventListener("resize", signs);
document.addEventListener("toggle", signs, true);

// Exports of the whole run, packed in the page.
(async () => {
  const source = document.getElementById("exports-data"), target = document.getElementById("exports-buttons");
  if (!source || !window.DecompressionStream) return;
  const bytes = Uint8Array.from(atob(source.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const files = JSON.parse(await new Response(stream).text());
  const forms = [...new Set(files.map(({ form }) => form))];
  forms.forEach((form) => {
    const mine = files.filter((file) => file.form === form), line = document.createElement("p");
    line.dataset.form = form;
    let chosen = mine[0];
    line.append(chosen.label, " ");
    if (mine.length > 1) {
      const select = document.createElement("select");
      select.setAttribute("aria-label", `Model of ${chosen.label}`);
      mine.forEach(({ model }) => select.append(new Option(model)));
      select.addEventListener("change", () => { chosen = mine[select.selectedIndex]; });
      line.append(select, " ");
    }
    line.append(button("Copy", (pressed) => window.copy(chosen.text, pressed)), " ", button("Save", () => window.save(chosen.text, chosen.name, chosen.type)));
    target.append(line);
  });
  target.hidden = false;
})();
addEventListener("beforeprint", () => document.querySelectorAll("details:not(.tools)").forEach((one) => { one.open = true; }));
