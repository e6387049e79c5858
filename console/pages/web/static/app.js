// What pages do beyond being read: they follow the laboratory, send what forms ask for, draw charts, and check what is
// being written. They read well without any of it.
// This comes after the scripts of the page's own, so class "js" says that every one of them listens: until then the
// style sheet hides what only scripts handle, and no click is lost.
import { follow } from "./live.js";
import { listen } from "./forms.js";

const refresh = follow(document.querySelector("main"), document.querySelector("[data-connection]"));
listen(refresh);
document.documentElement.classList.add("js");
const editor = document.querySelector("form[data-editor]");
if (editor) import("./editor.js").then(({ edit }) => edit(editor, refresh));
if (document.querySelector("figure[data-chart]")) import("./charts.js").then((charts) => charts.start());
