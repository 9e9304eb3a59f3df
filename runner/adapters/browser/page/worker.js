// Answers requests of wap/1 (docs/protocol.md) in a browser. It loads the adapter for JavaScript
// hosts, and provides the functions of a JavaScript shell, `readline` and `print`, over HTTP.
//
// The server stands in for the pipes of an adapter:
//
//     GET requests     one or more lines of standard input; 410 after the last line
//     POST answers     lines of standard output
//     POST error       a line of standard error
"use strict";

// The size at which buffered replies are sent.
const MOST = 1 << 16;

let requests = [], next = 0, answers = "", answered = 0;

const decoder = new TextDecoder("latin1");

// Sends a request synchronously, which is allowed in a worker.
function ask(method, path, body) {
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  // Not as text, whose encoding would depend on the first bytes.
  request.responseType = "arraybuffer";
  request.send(body);
  return request;
}

function send() {
  if (answers === "") return;
  ask("POST", "answers", answers);
  answers = "";
  self.postMessage(answered);
}

// Returns the browser's name and version. Chromium's user agent says Chrome; its list of brands
// tells them apart.
function about() {
  const agent = navigator.userAgent;
  const brands = (navigator.userAgentData || { brands: [] }).brands.map(brand => brand.brand);
  const isChromium = brands.includes("Chromium") && !brands.includes("Google Chrome");
  const [, name, version] = /(Chrome|Firefox)\/([\d.]+)/.exec(agent) || /\b(Version)\/([\d.]+)/.exec(agent) || ["", "browser", ""];
  const engine = isChromium ? "chromium" : name === "Version" ? "safari" : name.toLowerCase();
  return "ok engine=" + engine + " version=" + version + " adapter=browser caps=host";
}

self.print = text => {
  answers += text + "\n";
  answered++;
  if (answers.length > MOST) send();
};

self.readline = () => {
  for (;;) {
    if (next === requests.length) {
      // Flush before waiting for more requests: the driver may be waiting for the replies.
      send();
      const response = ask("GET", "requests");
      if (response.status !== 200) return null;
      requests = decoder.decode(response.response).split("\n");
      requests.pop();
      next = 0;
      continue;
    }
    const line = requests[next++];
    if (!line.startsWith("hello ")) return line;
    self.print(line === "hello wap/1" ? about() : "E unsupported this adapter speaks wap/1");
  }
};

importScripts("wap.js");
