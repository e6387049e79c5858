// What pages do beyond being read: they follow the laboratory, send what forms ask for, and draw charts. They
// read well without any of it.
import { follow } from "./live.js";
import { listen } from "./forms.js";

document.documentElement.classList.add("js");
const refresh = follow(document.querySelector("main"), document.querySelector("[data-connection]"));
listen(refresh);
if (document.querySelector("figure[data-chart]")) import("./charts.js").then((charts) => charts.start());
