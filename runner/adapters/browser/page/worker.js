// Answers the requests of wap/1 (docs/protocol.md) in a browser, by the adapter for JavaScript
// hosts: this file gives it what a JavaScript shell has, `readline` and `print`, over HTTP.
//
// The server is the pipes of an adapter:
//
//     GET requests     lines of standard input, at least one; 410 after the last
//     POST answers     lines of standard output
//     POST error       a line of standard error
"use strict";

// How much is answered before it is sent.
const MOST = 1 << 16;

let requests = [], next = 0, answers = "", answered = 0;

const decoder = new TextDecoder("latin1");

// Sends a request, and waits for the response: a worker may.
function ask(method, path, body) {
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  // As text, the first bytes would say how it is encoded.
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

// The browser by its own words. Chromium's user agent calls itself Chrome, and its list of brands
// says which it is.
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
      // Before a wait for more, everything answered so far goes out: the driver may wait for it.
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
