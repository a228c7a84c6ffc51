// Where no character may be shown: the page around is told so, and may close the frame.

import { closable, look, tell, wished } from "./host.js";

look(wished);
closable(() => tell("close"));
const { why } = document.querySelector(".absent").dataset;
const code = why === "gone" ? "not_found" : "origin_not_allowed";
tell("error", { code, message: document.querySelector(".desk p").textContent, fatal: true });
