/* The reward's form: only the fields of the chosen kind are seen. Without this all are; what a kind does not have is
   left out when the form is saved. */
(function () {
  function begin(kind) {
    const marked = [...document.querySelectorAll("[data-kinds]")].map((input) => ({
      line: input.closest(".field-line"), kinds: input.dataset.kinds.split(" "),
    }));
    const look = () => {
      for (const { line, kinds } of marked) if (line) line.hidden = !kinds.includes(kind.value);
      for (const fieldset of document.querySelectorAll("fieldset.module")) {
        const lines = [...fieldset.querySelectorAll(".field-line")];
        if (lines.length && lines.some((line) => marked.some((each) => each.line === line))) {
          fieldset.hidden = lines.every((line) => line.hidden);
        }
      }
    };
    kind.addEventListener("change", look);
    look();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const kind = document.querySelector("#reward_form [name=kind]");
    if (kind) begin(kind);
  });
})();
