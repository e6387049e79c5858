// What pages do beyond being read: they follow the laboratory, send what forms ask for, draw charts, and check what is
// being written. They read well without any of it.
import { follow } from "./live.js";
import { listen } from "./forms.js";

document.documentElement.classList.add("js");
const refresh = follow(document.querySelector("main"), document.querySelector("[data-connection]"));
listen(refresh);
const editor = document.querySelector("form[data-editor]");
if (editor) import("./editor.js").then(({ edit }) => edit(editor, refresh));
if (document.querySelector("figure[data-chart]")) import("./charts.js").then((charts) => charts.start());
