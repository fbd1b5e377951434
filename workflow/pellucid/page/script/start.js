// What is done when the page opens.
explore();
const tables = document.getElementById("tables-body");
tables.append(...content.tables.map(table));
if (!content.tables.length) tables.append(make("p", {}, "Nothing was evaluated or scored: there are no tables."));
document.getElementById("copy-methods").addEventListener("click", () => {
  const text = document.getElementById("methods-text");
  const references = [...text.querySelectorAll("li")].map((item, place) => `[${place + 1}] ${item.textContent}`);
  copy([text.querySelector("p").textContent, "", ...references].join("\n"), "The methods text");
});
document.documentElement.dataset.ready = "true";
