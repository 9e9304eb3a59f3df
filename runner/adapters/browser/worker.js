// Answers the requests of wap/1 (docs/protocol.md) in a browser, by the adapter for JavaScript hosts: this file gives it
// what a JavaScript shell has, `readline` and `print`, over HTTP.
//
// The server, on the loopback interface, is the two pipes of an adapter:
//
//     GET requests     lines of standard input, as many whole ones as there are; waits for the first; 204 after the last
//     POST answers     lines of standard output
//     POST error       a line of standard error
//
// and it serves index.html as `/`, worker.js, and the adapter for JavaScript hosts as wap.js, with the headers
// `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`, without which browsers have
// no shared memories.
"use strict";

// How much is answered before it is sent.
const MOST = 1 << 16;

let requests = [], next = 0, answers = "", answered = 0;

// Sends a request, and waits for the response: a worker may.
function ask(method, path, body) {
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  request.send(body);
  return request;
}

function send() {
  if (answers === "") return;
  ask("POST", "answers", answers);
  answers = "";
  self.postMessage(answered);
}

// The engine by the browser's own words: `Firefox/128.0`, or the last of `HeadlessChrome/130.0.0.0 Safari/537.36` that is
// not another browser's.
function about() {
  const found = /\b(?:Headless)?(Chrome|Firefox)\/([\d.]+)/.exec(navigator.userAgent);
  const safari = /\bVersion\/([\d.]+).*\bSafari\//.exec(navigator.userAgent);
  const [name, version] = found ? [found[1], found[2]] : safari ? ["Safari", safari[1]] : ["browser", ""];
  return "ok engine=" + name.toLowerCase() + " version=" + version + " caps=host";
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
      requests = response.responseText.split("\n");
      requests.pop();
      next = 0;
      continue;
    }
    const line = requests[next++];
    if (line !== "hello wap/1") return line;
    self.print(about());
  }
};

importScripts("wap.js");
