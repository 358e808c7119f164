// The interface, for people who write programs: what answers where, what it takes and what it needs.

import { api } from "./api.js";
import { h } from "./dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** The page. */
export function interfacePage({ signal, title }) {
  title("Interface");
  const list = h("ol", { class: "interface", id: "interface" });
  const problem = h("p", { class: "problem", role: "alert" });
  api
    .interface(signal)
    .then((document) => list.replaceChildren(...operations(document).map(row)))
    .catch((error) => signal.aborted || (problem.textContent = error.message));
  return h(
    "section",
    { id: "interface-page" },
    h("h1", {}, "Interface"),
    h(
      "p",
      { class: "quiet" },
      "What programs can ask. The whole of it, for machines: ",
      h("a", { href: "api/openapi.json" }, "openapi.json"),
      ".",
    ),
    problem,
    list,
  );
}

function operations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })),
  );
}

function row({ path, method, summary, description, parameters, requestBody, responses, security }) {
  const query = parameters.filter((parameter) => parameter.in === "query").map((parameter) => parameter.name);
  const takes = Object.keys(requestBody?.content ?? {});
  const gives = Object.entries(responses)
    .filter(([status]) => status !== "default")
    .map(([status, answer]) => [status, ...Object.keys(answer.content ?? {})].join(" "));
  return h(
    "li",
    { class: "card" },
    h("h2", {}, h("code", {}, `${method.toUpperCase()} ${path}`)),
    h("p", {}, summary),
    h(
      "p",
      { class: "quiet" },
      [
        security.length === 0 ? "Open to everybody." : (description ?? "Takes the role viewer."),
        query.length > 0 && `Query: ${query.join(", ")}.`,
        takes.length > 0 && `Body: ${takes.join(", ")}.`,
        `Answers: ${gives.join("; ")}.`,
      ]
        .filter(Boolean)
        .join(" "),
    ),
  );
}
