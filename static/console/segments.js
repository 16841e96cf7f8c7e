/* The rows of a segment's rules: only those in use are seen, comparisons fit the field. Without this all rows are. */
(function () {
  function fit(row) {
    const field = row.querySelector("[data-rule-field]");
    const chosen = field.selectedOptions[0];
    const ops = (chosen.dataset.ops || "").split(" ");
    const select = row.querySelector("[data-rule-op]");
    for (const option of select.options) {
      option.hidden = option.disabled = field.value !== "" && !ops.includes(option.value);
    }
    if (select.selectedOptions[0] && select.selectedOptions[0].disabled) select.value = ops[0];
    row.querySelector("[data-rule-days]").style.visibility = chosen.dataset.windowed === undefined ? "hidden" : "";
  }

  function begin(rules) {
    const rows = [...rules.querySelectorAll("[data-rule]")];
    const add = rules.querySelector("[data-rules-add]");
    const isEmpty = (row) => row.querySelector("[data-rule-field]").value === "";
    const look = () => { add.hidden = !rows.some((row) => row.hidden); };
    rows.forEach((row, place) => {
      row.hidden = place > 0 && isEmpty(row);
      fit(row);
      row.addEventListener("change", () => fit(row));
      const remove = row.querySelector("[data-rule-remove]");
      remove.hidden = false;
      remove.addEventListener("click", () => {
        row.querySelectorAll("input").forEach((input) => { input.value = ""; });
        row.querySelector("[data-rule-field]").value = "";
        fit(row);
        row.hidden = rows.filter((each) => !each.hidden).length > 1;
        look();
      });
    });
    add.addEventListener("click", () => {
      const next = rows.find((row) => row.hidden);
      if (!next) return;
      next.hidden = false;
      next.querySelector("[data-rule-field]").focus();
      look();
    });
    look();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-rules]").forEach(begin));
})();
