// Drives a server with the API of Mailpit by the public client mailpit-api, and prints
// what it saw as JSON. Usage: node client.cjs URL
const { MailpitClient } = require("mailpit-api");

async function main() {
  const c = new MailpitClient(process.argv[2]);
  const saw = {};
  await c.deleteMessages();
  saw.empty = (await c.listMessages()).total;
  const sent = await c.sendMessage({
    From: { Email: "ann@shop.test", Name: "Ann" }, To: [{ Email: "bob@customer.test", Name: "Bob" }], Cc: [{ Email: "carol@x.test" }], Bcc: ["hidden@x.test"],
    ReplyTo: [{ Email: "reply@shop.test" }], Subject: "Grüße: order 1234", Text: "on its way", HTML: "<p>on its <b>way</b></p>", Tags: ["orders", "test"],
    Headers: { "X-Campaign": "spring" },
    Attachments: [{ Content: Buffer.from("%PDF-1.4").toString("base64"), Filename: "invoice.pdf", ContentType: "application/pdf" }],
  });
  await c.sendMessage({ From: { Email: "dave@shop.test" }, To: [{ Email: "eve@customer.test" }], Subject: "second", Text: "nothing here" });
  const list = await c.listMessages();
  saw.list = list.messages.map((m) => [m.Subject, m.From.Address, m.To.map((a) => a.Address), m.Read, m.Attachments]);
  saw.counts = [list.total, list.unread, list.messages_count, list.messages_unread, list.start];
  saw.tags = await c.getTags();
  const m = await c.getMessageSummary(sent.ID);
  saw.message = [m.Subject, m.From, m.To, m.Cc.map((a) => a.Address), m.Bcc.map((a) => a.Address), m.ReplyTo.map((a) => a.Address), m.Text.trim(), m.HTML.trim(), m.Tags, m.ReturnPath];
  saw.attachments = m.Attachments.map((a) => [a.FileName, a.ContentType, a.Size]);
  saw.part = await (await c.getMessageAttachment(sent.ID, m.Attachments[0].PartID)).text();
  const headers = await c.getMessageHeaders(sent.ID);
  saw.headers = [headers["X-Campaign"], headers["Subject"].length, headers["Message-Id"].length];
  saw.raw = (await c.getMessageSource(sent.ID)).includes("X-Campaign: spring\r\n");
  saw.latest = (await c.getMessageSummary()).Subject;
  const find = async (query) => (await c.searchMessages({ query })).messages.map((x) => x.Subject).sort();
  saw.search = {};
  for (const q of ["order", "subject:order", "to:bob", "from:dave", "\"its way\"", "-order", "is:read", "is:unread", "has:attachment", "tag:orders", "!tag:orders", "cc:carol", "bcc:hidden", "larger:1mb", "smaller:1mb", "before:2001-01-01", "after:2001-01-01", "reply-to:reply@", "addressed:carol", "nothing-like-this", "to:bob order"]) saw.search[q] = await find(q);
  saw.waited = (await c.waitForMessage({ query: "subject:second" })).Subject;
  await c.setReadStatus({ IDs: [sent.ID], Read: false });
  saw.unread = (await c.listMessages()).unread;
  await c.setReadStatus({ Read: true });
  saw.allRead = (await c.listMessages()).unread;
  await c.setTags({ IDs: [sent.ID], Tags: ["one", "two"] });
  await c.renameTag("one", "eins");
  await c.deleteTag("two");
  saw.retagged = [await c.getTags(), (await c.getMessageSummary(sent.ID)).Tags];
  saw.html = (await c.renderMessageHTML(sent.ID)).includes("<b>way</b>");
  saw.text = (await c.renderMessageText(sent.ID)).trim();
  const info = await c.getInfo();
  saw.info = [info.Messages, info.Unread, typeof info.Version, typeof info.RuntimeStats.Uptime, Object.keys(info.Tags)];
  saw.webui = Object.keys((await c.getConfiguration()).MessageRelay).includes("Enabled");
  await c.deleteMessagesBySearch({ query: "subject:second" });
  saw.afterSearchDelete = (await c.listMessages()).messages.map((x) => x.Subject);
  await c.deleteMessages({ IDs: [sent.ID] });
  saw.end = (await c.listMessages()).total;
  saw.missing = await c.getMessageSummary("nosuchmessage").catch((e) => /404/.test(e.message));
  saw.noQuery = await c.searchMessages({ query: "" }).catch((e) => /400/.test(e.message));
  saw.badSend = await c.sendMessage({ From: { Email: "a@b.test" }, To: [{ Email: "nonsense" }], Subject: "x", Text: "" }).catch((e) => /400/.test(e.message));
  console.log(JSON.stringify(saw, null, 1));
}
main().catch((e) => { console.error(e.stack); process.exit(1); });
