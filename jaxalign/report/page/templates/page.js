"use strict";
document.querySelectorAll("table.sort").forEach((table) => {
  const body = table.tBodies[0];
  table.querySelectorAll("th button").forEach((button, column) => {
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
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
