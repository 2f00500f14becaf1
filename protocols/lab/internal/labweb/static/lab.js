"use strict";
(function () {
  var $ = function (id) { return document.getElementById(id); };
  var list = $("list"), detail = $("detail"), find = $("find"), live = $("live");
  var PAGE = 100;
  var state = { tab: "mail", items: [], picked: null, total: 0, view: "", want: PAGE };
  var fresh = {}; // what came in tabs that are not shown

  // el makes an element; strings are text, never HTML.
  function el(name, attrs) {
    var e = document.createElement(name);
    Object.keys(attrs || {}).forEach(function (k) {
      if (k === "class") e.className = attrs[k];
      else if (k.slice(0, 2) === "on") e.addEventListener(k.slice(2), attrs[k]);
      else if (attrs[k] !== null && attrs[k] !== undefined) e.setAttribute(k, attrs[k]);
    });
    for (var i = 2; i < arguments.length; i++) {
      [].concat(arguments[i]).forEach(function (c) { if (c !== null && c !== undefined && c !== false) e.append(c); });
    }
    return e;
  }
  function call(method, path, body) {
    var o = { method: method, headers: {} };
    if (body !== undefined) { o.body = JSON.stringify(body); o.headers["Content-Type"] = "application/json"; }
    return fetch(path, o).then(function (r) {
      if (!r.ok) return r.text().then(function (t) { throw new Error(t.trim() || r.statusText); });
      return (r.headers.get("Content-Type") || "").indexOf("json") >= 0 ? r.json() : r.text();
    });
  }
  function clock(t) {
    var d = new Date(t), today = new Date().toDateString() === d.toDateString();
    return today ? d.toLocaleTimeString() : d.toLocaleDateString();
  }
  function bytes(n) {
    if (n < 1024) return n + " B";
    if (n < 1048576) return (n / 1024).toFixed(1) + " KiB";
    return (n / 1048576).toFixed(1) + " MiB";
  }
  function person(a) { return a ? (a.Name ? a.Name + " <" + a.Address + ">" : a.Address) : ""; }
  function people(l) { return (l || []).map(person).join(", "); }
  function seg(id) { return encodeURIComponent(id); }

  // Each tab: how its list is read, shown, and what is done with one of it.
  var tabs = {
    mail: {
      load: function () {
        var q = find.value.trim();
        return call("GET", q ? "api/v1/search?limit=" + state.want + "&query=" + seg(q) : "api/v1/messages?limit=" + state.want).then(function (p) {
          state.total = p.messages_count;
          setCount("mail", p.unread);
          return p.messages;
        });
      },
      id: function (m) { return m.ID; },
      row: function (m) {
        return [el("b", {}, m.Subject || "(no subject)"), el("time", {}, clock(m.Created)),
          el("span", {}, (person(m.From) || "(no sender)") + " → " + people(m.To.concat(m.Cc, m.Bcc))),
          el("span", {}, m.Tags.map(function (t) { return el("i", { "class": "tag" }, t); }), m.Attachments ? el("i", { "class": "tag" }, m.Attachments === 1 ? "attachment" : m.Attachments + " attachments") : "", m.Snippet)];
      },
      cls: function (m) { return m.Read ? "" : "unread"; },
      show: showMail,
      remove: function (m) { return call("DELETE", "api/v1/messages", { IDs: [m.ID] }); },
      clear: function () { return call("DELETE", "api/v1/messages"); },
      empty: "No mail yet. Send some to the SMTP server; any recipient will do.",
      events: ["mail", "gone"]
    },
    files: {
      load: function () { return call("GET", "api/files").then(function (r) { return r.files; }); },
      id: function (f) { return f.id; },
      row: function (f) { return [el("b", {}, f.path), el("time", {}, clock(f.time)), el("span", {}, f.protocol + " · " + bytes(f.size))]; },
      show: showFile,
      remove: function (f) { return call("DELETE", "api/files/" + seg(f.id)); },
      empty: "No file was stored yet, by FTP or HTTP.",
      events: ["file", "gone"]
    },
    posts: {
      load: function () { return call("GET", "api/posts").then(function (r) { return r.posts; }); },
      id: function (p) { return p.id; },
      row: function (p) { return [el("b", {}, p.subject || "(no subject)"), el("time", {}, clock(p.time)), el("span", {}, p.from + " → " + p.groups)]; },
      show: showPost,
      remove: function (p) { return call("DELETE", "api/posts/" + seg(p.id)); },
      empty: "No article was posted yet.",
      events: ["post", "gone"]
    },
    requests: {
      load: function () { return call("GET", "api/requests").then(function (r) { return r.requests; }); },
      id: function (r) { return r.id; },
      row: function (r) { return [el("b", {}, r.method + " " + r.uri), el("time", {}, clock(r.time)), el("span", {}, (r.status || "fault") + " · " + r.protocol + " · " + bytes(r.bytes) + " · " + r.remote)]; },
      show: showRequest,
      remove: function (r) { return call("DELETE", "api/requests/" + seg(r.id)); },
      empty: "No HTTP request yet. /-/hook takes any.",
      events: ["request", "gone"]
    },
    talks: {
      load: function () { return call("GET", "api/talks").then(function (r) { return r.talks; }); },
      id: function (t) { return t.id; },
      row: function (t) { return [el("b", {}, t.protocol + (t.channel === "data" ? " data" : "") + " #" + t.id.split("-").pop()), el("time", {}, clock(t.start)), el("span", {}, (t.open ? "open · " : "") + t.steps + " steps · " + (t.first || t.client))]; },
      cls: function (t) { return t.open ? "unread" : ""; },
      show: showTalk,
      clear: function () { return call("DELETE", "api/talks"); },
      empty: "Nobody has connected yet.",
      events: ["talk", "gone"]
    },
    servers: { load: loadFaults, events: ["faults"] }
  };

  function setCount(tab, n) { document.querySelector("nav [data-tab=" + tab + "] .count").textContent = n || ""; }

  function text(item) { return JSON.stringify(item).toLowerCase(); }

  var running = null, again = false;
  // refresh reads the list of the tab anew, one call at a time.
  function refresh() {
    if (running) { again = true; return running; }
    var tab = state.tab;
    running = tabs[tab].load().then(function (items) {
      if (tab !== state.tab || !items) return;
      var q = find.value.trim().toLowerCase();
      if (tab !== "mail") {
        if (q) items = items.filter(function (i) { return text(i).indexOf(q) >= 0; });
        state.total = items.length;
        setCount(tab, 0);
        fresh[tab] = 0;
      }
      state.items = items;
      draw();
    }).catch(problem).then(function () {
      running = null;
      if (again) { again = false; return refresh(); }
    });
    return running;
  }
  function problem(e) { $("sum").textContent = e.message; $("sum").className = "wrong"; }

  function draw() {
    var t = tabs[state.tab], top = list.scrollTop;
    $("sum").className = "";
    $("sum").textContent = state.total + (state.total === 1 ? " entry" : " entries");
    $("clear").hidden = !state.items.length;
    $("more").hidden = state.tab !== "mail" || state.items.length >= state.total;
    list.replaceChildren.apply(list, state.items.map(function (item) {
      var id = t.id(item);
      return el("li", { role: "option", "data-id": id, "class": t.cls ? t.cls(item) : "", "aria-selected": String(id === state.picked), onclick: function () { pick(id); } }, t.row(item));
    }));
    if (!state.items.length) list.append(el("li", { "class": "empty" }, find.value ? "Nothing fits." : t.empty));
    list.scrollTop = top;
    if (state.picked && !current()) { state.picked = null; detail.replaceChildren(); }
    if (!state.picked) detail.replaceChildren(el("p", { "class": "soft hint" }, state.items.length ? "j and k go through the list; ? lists all keys" : ""));
  }
  function current() { return state.items.find(function (i) { return tabs[state.tab].id(i) === state.picked; }); }

  function pick(id) {
    state.picked = id;
    list.querySelectorAll("li").forEach(function (li) {
      var on = li.dataset.id === id;
      li.setAttribute("aria-selected", String(on));
      if (on) li.scrollIntoView({ block: "nearest" });
    });
    var item = current();
    if (item) tabs[state.tab].show(item);
  }
  function step(by) {
    var t = tabs[state.tab], i = state.items.findIndex(function (x) { return t.id(x) === state.picked; });
    var next = state.items[i < 0 ? 0 : Math.min(Math.max(i + by, 0), state.items.length - 1)];
    if (next) pick(t.id(next));
  }
  function remove() {
    var t = tabs[state.tab], item = current();
    if (!item || !t.remove) return;
    var i = state.items.indexOf(item), next = state.items[i + 1] || state.items[i - 1];
    t.remove(item).then(function () {
      state.items.splice(i, 1);
      state.total--;
      state.picked = null;
      detail.replaceChildren();
      draw();
      if (next) pick(t.id(next));
      refresh();
    }).catch(problem);
  }

  function open(tab) {
    state.tab = tab; state.picked = null; state.items = []; state.total = 0; state.want = PAGE;
    document.querySelectorAll("nav button").forEach(function (b) { b.setAttribute("aria-selected", String(b.dataset.tab === tab)); });
    var other = tab === "servers";
    $("side").hidden = other; detail.hidden = other; $("servers").hidden = !other;
    find.disabled = other;
    detail.replaceChildren();
    list.replaceChildren();
    history.replaceState(null, "", "#" + tab);
    return refresh();
  }

  function head(pairs) {
    var d = el("dl", { "class": "head" });
    pairs.forEach(function (p) { if (p[1]) d.append(el("dt", {}, p[0]), el("dd", {}, p[1])); });
    return d;
  }
  function views(all, chosen, choose) {
    return el("div", { "class": "views", role: "group" }, all.map(function (v) {
      return el("button", { "data-view": v[0], "aria-pressed": String(v[0] === chosen), onclick: function () { choose(v[0]); } }, v[1]);
    }));
  }
  function deleter() { return el("button", { "class": "danger", title: "d", onclick: remove }, "Delete"); }
  function fill() { detail.replaceChildren.apply(detail, [].slice.call(arguments)); detail.scrollTop = 0; }

  // Mail.
  function showMail(s) {
    call("GET", "api/v1/message/" + seg(s.ID)).then(function (m) {
      if (state.picked !== s.ID) return;
      s.Read = true;
      var li = list.querySelector("[aria-selected=true]");
      if (li) li.className = "";
      var wanted = state.view && (state.view !== "html" || m.HTML) ? state.view : (m.HTML ? "html" : "text");
      drawMail(m, wanted);
      refresh(); // it is read now
    }).catch(problem);
  }
  function drawMail(m, view) {
    var base = "api/v1/message/" + seg(m.ID), body = el("div", {});
    var n = m.Attachments.length + m.Inline.length;
    var all = [["text", "Text"], ["source", "Source"], ["headers", "Headers"], ["attachments", "Attachments" + (n ? " (" + n + ")" : "")]];
    if (m.HTML) all.unshift(["html", "HTML"]);
    function choose(v) { state.view = v; drawMail(m, v); }
    if (view === "html") body = el("iframe", { sandbox: "allow-popups allow-popups-to-escape-sandbox", src: "view/" + seg(m.ID) + ".html", title: "The message as HTML", referrerpolicy: "no-referrer" });
    if (view === "text") body = el("pre", { "class": "card" }, m.Text || "(no text)");
    if (view === "source") { body = el("pre", { "class": "card" }, "…"); call("GET", base + "/raw").then(function (t) { body.textContent = t; }).catch(problem); }
    if (view === "headers") {
      body = el("table", { "class": "card" });
      call("GET", base + "/headers").then(function (h) {
        Object.keys(h).sort().forEach(function (k) { h[k].forEach(function (v) { body.append(el("tr", {}, el("th", {}, k), el("td", {}, v))); }); });
      }).catch(problem);
    }
    if (view === "attachments") {
      body = el("table", { "class": "card" }, m.Attachments.concat(m.Inline).map(function (a) {
        return el("tr", {}, el("th", {}, el("a", { href: base + "/part/" + seg(a.PartID) + "?dl=1" }, a.FileName || "part " + a.PartID)), el("td", {}, a.ContentType), el("td", {}, bytes(a.Size)), el("td", {}, el("code", {}, a.Checksums.SHA256)));
      }));
      if (!n) body = el("p", { "class": "soft" }, "No attachments.");
    }
    var relay = null;
    if (document.body.dataset.relay === "true") {
      var to = el("input", { placeholder: "relay to", "aria-label": "Relay to", value: m.To.map(function (a) { return a.Address; }).join(", ") });
      relay = [to, el("button", { onclick: function () {
        call("POST", base + "/release", { To: to.value.split(",").map(function (x) { return x.trim(); }).filter(Boolean) }).then(function () { to.value = ""; to.placeholder = "sent"; }).catch(problem);
      } }, "Relay")];
    }
    fill(el("h2", { "class": "subject" }, m.Subject || "(no subject)"),
      head([["From", person(m.From)], ["To", people(m.To)], ["Cc", people(m.Cc)], ["Bcc", people(m.Bcc)], ["Reply-To", people(m.ReplyTo)], ["Return-Path", m.ReturnPath], ["Date", new Date(m.Date).toLocaleString()], ["Size", bytes(m.Size)], ["Tags", m.Tags.join(", ")]]),
      el("div", { "class": "tools" }, views(all, view, choose), relay, el("button", { title: "u", onclick: unread }, "Not read"),
        el("a", { "class": "button", href: base + "/raw?dl=1" }, "Download"), deleter()), body);
  }
  function unread() {
    var m = current();
    if (state.tab === "mail" && m) call("PUT", "api/v1/messages", { IDs: [m.ID], Read: false }).then(refresh).catch(problem);
  }

  // Files, posts, requests.
  function showFile(f) {
    var body = el("pre", { "class": "card" }, "…");
    fill(el("h2", { "class": "subject" }, f.path), head([["Protocol", f.protocol], ["Time", new Date(f.time).toLocaleString()], ["Size", bytes(f.size)]]),
      el("div", { "class": "tools" }, el("div", { "class": "views" }), el("a", { "class": "button", href: "api/files/" + seg(f.id) }, "Download"), deleter()), body);
    fetch("api/files/" + seg(f.id) + "?as=text", { headers: { Range: "bytes=0-65535" } }).then(function (r) {
      if (!r.ok) throw new Error("the file is not there any more");
      return r.arrayBuffer();
    }).then(function (b) {
      try { body.textContent = new TextDecoder("utf-8", { fatal: true }).decode(b, { stream: true }) + (f.size > 65536 ? "\n…" : ""); }
      catch (e) { body.textContent = "(not a text)"; }
    }).catch(function (e) { body.textContent = e.message; });
  }
  function showPost(p) {
    var body = el("pre", { "class": "card" }, "…");
    fill(el("h2", { "class": "subject" }, p.subject || "(no subject)"), head([["From", p.from], ["Newsgroups", p.groups], ["Message-ID", p.id], ["Time", new Date(p.time).toLocaleString()]]),
      el("div", { "class": "tools" }, el("div", { "class": "views" }), deleter()), body);
    call("GET", "api/posts/" + seg(p.id)).then(function (t) { body.textContent = t; }).catch(function (e) { body.textContent = e.message; });
  }
  function showRequest(r) {
    call("GET", "api/requests/" + seg(r.id)).then(function (x) {
      if (state.picked !== r.id) return;
      var rows = Object.keys(x.headers || {}).sort().map(function (k) { return el("tr", {}, el("th", {}, k), el("td", {}, x.headers[k].join(", "))); });
      var shown = x.body || (x.body_base64 ? "(not a text)" : "");
      try { shown = JSON.stringify(JSON.parse(shown), null, 2); } catch (e) { /* not JSON */ }
      fill(el("h2", { "class": "subject" }, x.method + " " + x.uri),
        head([["Status", x.status ? String(x.status) : "a fault took its place"], ["From", x.remote], ["Host", x.host], ["Protocol", x.proto], ["Time", new Date(x.time).toLocaleString()], ["Took", (x.took_ns / 1e6).toFixed(1) + " ms"], ["Body", bytes(x.bytes)]]),
        el("div", { "class": "tools" }, el("div", { "class": "views" }), deleter()), el("h2", {}, "Header"), el("table", { "class": "card" }, rows), el("h2", {}, "Body"), el("pre", { "class": "card" }, shown || "(none)"));
    }).catch(problem);
  }

  // Conversations: a sequence diagram that grows.
  var diagram = null;
  function showTalk(t) {
    call("GET", "api/talks/" + seg(t.id)).then(function (r) {
      if (state.picked !== t.id) return;
      var rows = el("div", {}), steps = el("span", {}), ended = el("span", {}, r.talk.open ? "open" : "ended");
      diagram = { id: t.id, rows: rows, steps: steps, ended: ended, start: 0, last: 0, shown: r.talk.steps - r.steps.length };
      fill(el("h2", { "class": "subject" }, r.talk.protocol + " · " + r.talk.client), head([["Began", new Date(r.talk.start).toLocaleString()], ["Steps", steps], ["State", ended]]),
        el("div", { "class": "card diagram" }, el("div", { "class": "heads" }, el("span", {}, "time"), el("span", {}, "step"), el("div", { "class": "lanes" }, el("b", {}, "client"), el("b", {}, r.server))), el("div", { "class": "lives" }), rows));
      r.steps.forEach(addStep);
      if (r.talk.steps > r.steps.length) rows.append(el("p", { "class": "pause" }, (r.talk.steps - r.steps.length) + " more steps are not kept"));
    }).catch(problem);
  }
  var ways = { send: "out", connect: "out", close: "out", up: "out", recv: "in", down: "in", tls: "both" };
  function took(ms) { return ms >= 1000 ? (ms / 1000).toFixed(2) + " s" : ms + " ms"; }
  function addStep(s) {
    var d = diagram, at = new Date(s.time).getTime();
    if (!d.start) d.start = d.last = at;
    var delta = at - d.last, kind = s.kind === "up" || s.kind === "down" ? "data" : s.kind;
    d.last = at;
    d.steps.textContent = ++d.shown;
    if (s.kind === "close") d.ended.textContent = "ended";
    if (delta >= 500) d.rows.append(el("div", { "class": "pause" }, took(delta) + " pass"));
    var heat = delta >= 500 ? "hot" : delta >= 50 ? "warm" : delta >= 5 ? "mild" : "cool";
    var row = el("div", { "class": "row " + kind, title: new Date(s.time).toISOString() + "  " + s.kind },
      el("time", {}, took(at - d.start)), el("span", { "class": "delta " + heat }, "+" + took(delta)),
      el("div", { "class": "lanes" }, el("div", { "class": "arrow " + (ways[s.kind] || "out") + " " + kind },
        kind !== "send" && kind !== "recv" ? el("span", { "class": "word" }, s.kind) : null,
        el("span", { "class": "text" }, s.text || ""), s.bytes ? el("span", { "class": "word" }, bytes(s.bytes)) : null)));
    row.addEventListener("click", function () { if (!String(getSelection())) row.classList.toggle("open"); });
    d.rows.append(row);
  }

  // Servers and faults.
  function loadFaults() {
    return call("GET", "api/faults").then(function (r) {
      var on = 0;
      document.querySelectorAll("#servers tr[data-protocol]").forEach(function (tr) {
        var p = tr.dataset.protocol, spec = tr.querySelector(".spec");
        if (p === "*") return;
        var now = r.faults[p] || "";
        tr.classList.toggle("on", now !== "");
        if (now) { on++; spec.value = now; }
      });
      setCount("servers", on);
    });
  }
  document.querySelectorAll("#servers tr[data-protocol]").forEach(function (tr) {
    var spec = tr.querySelector(".spec");
    function put(value) {
      var f = {};
      f[tr.dataset.protocol] = value;
      spec.setCustomValidity("");
      call("PUT", "api/faults", { faults: f }).then(loadFaults).catch(function (e) { spec.setCustomValidity(e.message); spec.reportValidity(); });
    }
    tr.querySelector(".apply").addEventListener("click", function () { put(spec.value.trim()); });
    tr.querySelector(".off").addEventListener("click", function () { put(""); });
    spec.addEventListener("input", function () { spec.setCustomValidity(""); });
    spec.addEventListener("keydown", function (e) { if (e.key === "Enter") put(spec.value.trim()); });
  });

  // Buttons of the list.
  var sure = null;
  $("clear").addEventListener("click", function () {
    var b = $("clear"), t = tabs[state.tab];
    if (!sure) {
      b.textContent = "Really delete all?"; b.classList.add("sure");
      sure = setTimeout(calm, 3000);
      return;
    }
    calm();
    var items = state.items;
    (t.clear ? t.clear() : Promise.all(items.map(t.remove))).then(function () { state.picked = null; detail.replaceChildren(); return refresh(); }).catch(problem);
  });
  function calm() { clearTimeout(sure); sure = null; $("clear").textContent = "Delete all"; $("clear").classList.remove("sure"); }
  $("more").addEventListener("click", function () { state.want += PAGE; refresh(); });
  document.querySelectorAll("nav button").forEach(function (b) { b.addEventListener("click", function () { open(b.dataset.tab); }); });
  $("help-button").addEventListener("click", function () { $("help").showModal(); });
  var typing = null;
  find.addEventListener("input", function () { clearTimeout(typing); typing = setTimeout(refresh, 150); });

  // Keys.
  var letters = { h: "html", t: "text", s: "source", e: "headers", a: "attachments" };
  document.addEventListener("keydown", function (e) {
    var typed = e.target.matches("input, textarea");
    if (e.key === "Escape") { find.value = ""; find.blur(); refresh(); return; }
    if (typed || e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
    var done = true, order = ["mail", "files", "posts", "requests", "talks", "servers"];
    if (e.key === "j" || e.key === "ArrowDown") step(1);
    else if (e.key === "k" || e.key === "ArrowUp") step(-1);
    else if (e.key === "d" || e.key === "Delete") remove();
    else if (e.key === "u") unread();
    else if (e.key === "/") find.focus();
    else if (e.key === "?") $("help").showModal();
    else if (order[e.key - 1]) open(order[e.key - 1]);
    else if (letters[e.key] && state.tab === "mail") { var b = detail.querySelector("[data-view=" + letters[e.key] + "]"); if (b) b.click(); }
    else done = false;
    if (done) e.preventDefault();
  });

  // Live.
  var soon = null;
  function later() { if (!soon) soon = setTimeout(function () { soon = null; refresh(); }, 60); }
  function came(e) {
    if (e.kind === "hello" || e.kind === "missed") { refresh(); if (e.kind === "missed" && state.tab === "talks" && current()) showTalk(current()); return; }
    if (e.kind === "step") { if (state.tab === "talks" && diagram && diagram.id === e.id && state.picked === e.id) addStep(e.data); return; }
    Object.keys(tabs).forEach(function (tab) {
      if (tabs[tab].events.indexOf(e.kind) < 0) return;
      if (tab === state.tab) later();
      else if (tab === "mail") call("GET", "api/v1/messages?limit=1").then(function (p) { setCount("mail", p.unread); });
      else if (tab === "servers") loadFaults();
      else if (e.kind !== "gone" && (e.kind !== "talk" || e.data.steps === 1)) setCount(tab, fresh[tab] = (fresh[tab] || 0) + 1);
    });
  }
  var source = new EventSource("api/events");
  source.onopen = function () { live.textContent = "live"; live.className = "on"; };
  source.onerror = function () { live.textContent = "not connected"; live.className = "off"; };
  source.onmessage = function (m) { came(JSON.parse(m.data)); };

  open(tabs[location.hash.slice(1)] ? location.hash.slice(1) : "mail").then(function () {
    if (state.tab !== "mail") call("GET", "api/v1/messages?limit=1").then(function (p) { setCount("mail", p.unread); });
  });
})();
