package labpage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/netclients/netclients/protocols/lab"
)

// browser starts the lab, and a browser that shows its page. Where there is no browser
// the test is skipped.
func browser(t *testing.T, path string) (context.Context, *lab.Service, map[string]string) {
	t.Helper()
	var exe string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			exe = found
			break
		}
	}
	if exe == "" {
		t.Skip("no Chromium is installed (Debian: chromium)")
	}
	s, err := lab.Start(lab.Options{UI: ":0", NoSamples: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	urls := map[string]string{}
	for _, r := range s.Servers() {
		urls[r.Protocol] = r.Full()
	}
	profile, err := os.MkdirTemp("", "labpage-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) }) // the browser may write to it for a moment still
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(exe), chromedp.NoSandbox, chromedp.UserDataDir(profile), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	do(t, ctx, chromedp.Navigate(urls["ui"]+path), chromedp.WaitVisible("#live.on"))
	return ctx, s, urls
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// soon waits until an expression of the page is true.
func soon(t *testing.T, ctx context.Context, within time.Duration, expression string) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		var is bool
		do(t, ctx, chromedp.Evaluate("!!("+expression+")", &is))
		if is {
			return
		}
		if time.Now().After(end) {
			var text string
			do(t, ctx, chromedp.Evaluate("document.body.innerText", &text))
			t.Fatalf("not within %v: %s\n%s", within, expression, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// picture saves what the page shows, where the environment asks for pictures.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("LABPAGE_PICTURES")
	if dir == "" {
		return
	}
	time.Sleep(300 * time.Millisecond)
	var png []byte
	do(t, ctx, chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, url, to, text string) {
	t.Helper()
	addr := url[strings.LastIndexByte(url, '@')+1 : len(url)-1]
	if err := smtp.SendMail(addr, nil, "ann@shop.test", []string{to}, []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
}

const order = "From: Ann Archer <ann@shop.test>\nTo: Bob <bob@customer.test>\nSubject: Your order 1234\nMessage-ID: <1@shop.test>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
	"--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\n\nHello Bob, your order is on its way.\n--c\nContent-Type: text/html\n\n%s\n--c--\n" +
	"--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"invoice.pdf\"\n\n%%PDF-1.4\n--b--\n"

// TestMailAppearsWithinASecond has three tries: a machine that does much else may not
// come to it at once.
func TestMailAppearsWithinASecond(t *testing.T) {
	ctx, _, urls := browser(t, "")
	var took []time.Duration
	for i := range 3 {
		subject := fmt.Sprintf("number %d", i)
		send(t, urls["smtp"], "bob@customer.test", "Subject: "+subject+"\n\nhello\n")
		start := time.Now()
		soon(t, ctx, 20*time.Second, `document.querySelector("#list").innerText.includes("`+subject+`")`)
		if took = append(took, time.Since(start)); took[i] < time.Second {
			return
		}
	}
	t.Errorf("mail appears after %v, want a second at most", took)
}

// TestScriptOfAMailDoesNotRun shows a mail that tries to run a script, to load from
// elsewhere, and to send a form.
func TestScriptOfAMailDoesNotRun(t *testing.T) {
	asked := make(chan string, 10)
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer far.Close()
	ctx, _, urls := browser(t, "")
	send(t, urls["smtp"], "bob@customer.test", fmt.Sprintf(order, `<h1 id="here">Hello Bob</h1><script>parent.document.title="script"; document.title="script"; fetch("`+far.URL+`/script")</script>`+
		`<img src="`+far.URL+`/img.png" onerror="parent.document.title='handler'"><link rel="stylesheet" href="`+far.URL+`/css"><iframe src="`+far.URL+`/frame"></iframe>`+
		`<style>@import "`+far.URL+`/import"; body { background: url(`+far.URL+`/bg) }</style><form action="`+far.URL+`/form"><input autofocus onfocus="form.submit()"></form><svg onload="fetch('`+far.URL+`/svg')"></svg>`+
		`<meta http-equiv="refresh" content="0;url=`+far.URL+`/refresh">`))
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[role=option]:not(.empty)").length === 1`)
	do(t, ctx, chromedp.KeyEvent("j"), chromedp.WaitVisible("#detail iframe"))
	time.Sleep(1500 * time.Millisecond) // time enough for what must not happen
	var title string
	do(t, ctx, chromedp.Title(&title))
	if title != "netclients lab" {
		t.Errorf("a script of the mail ran: the title is %q", title)
	}
	select {
	case path := <-asked:
		t.Errorf("the mail has loaded %s", path)
	default:
	}
	var sandbox string
	do(t, ctx, chromedp.AttributeValue("#detail iframe", "sandbox", &sandbox, nil))
	if strings.Contains(sandbox, "allow-scripts") || strings.Contains(sandbox, "allow-same-origin") {
		t.Errorf("the sandbox allows %q", sandbox)
	}
}

func TestDeleteByButtonAndKey(t *testing.T) {
	ctx, s, urls := browser(t, "")
	for _, n := range []string{"one", "two", "three"} {
		send(t, urls["smtp"], "bob@customer.test", "Subject: "+n+"\n\nx\n")
	}
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 3`)
	do(t, ctx, chromedp.Click(`#list li[data-id]`), chromedp.WaitVisible("#detail .subject"), chromedp.Click("#detail button.danger"))
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 2`)
	do(t, ctx, chromedp.KeyEvent("d"))
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 1`)
	if n := len(s.Mail().Letters(0, -1)); n != 1 {
		t.Errorf("%d messages are left, want 1", n)
	}
	do(t, ctx, chromedp.Click("#clear"))
	if n := len(s.Mail().Letters(0, -1)); n != 1 {
		t.Error("all was deleted without a question")
	}
	do(t, ctx, chromedp.Click("#clear"))
	soon(t, ctx, 20*time.Second, `document.querySelector("#list .empty") !== null`)
}

func TestSearchAndViews(t *testing.T) {
	ctx, _, urls := browser(t, "")
	send(t, urls["smtp"], "bob@customer.test", fmt.Sprintf(order, `<div style="font-family:sans-serif;color:#333"><h1 style="color:#2457d6">Hello Bob</h1><p>Your order <b>1234</b> is on its way.</p><p><a href="https://example.org/track">Track it</a></p></div>`))
	send(t, urls["smtp"], "carol@customer.test", "From: news@shop.test\nTo: carol@customer.test\nSubject: Newsletter of November\n\nMany new things.\n")
	send(t, urls["smtp"], "dave@customer.test", "From: no-reply@shop.test\nTo: Dave <dave@customer.test>\nSubject: Reset your password\n\nFollow this link.\n")
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 3`)
	do(t, ctx, chromedp.KeyEvent("/"), chromedp.Evaluate(`document.querySelector("#find").value = ""`, nil), chromedp.SendKeys("#find", "subject:order"))
	soon(t, ctx, 20*time.Second, `document.activeElement === document.querySelector("#find")`)
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 1`)
	do(t, ctx, chromedp.SendKeys("#find", kb.Escape))
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 3`)
	do(t, ctx, chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.WaitVisible("#detail iframe"))
	picture(t, ctx, "lab-mail.png")
	for key, want := range map[string]string{"s": "boundary=b", "t": "on its way", "e": "1@shop.test", "a": "invoice.pdf"} {
		do(t, ctx, chromedp.KeyEvent(key))
		soon(t, ctx, 20*time.Second, fmt.Sprintf(`document.querySelector("#detail")?.innerText.includes(%q)`, want))
	}
	do(t, ctx, chromedp.KeyEvent("h"), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	soon(t, ctx, 20*time.Second, `getComputedStyle(document.body).backgroundColor === "rgb(17, 21, 28)"`)
	picture(t, ctx, "lab-dark.png")
}

func TestConversationsAreLive(t *testing.T) {
	ctx, _, urls := browser(t, "#talks")
	addr := urls["smtp"][strings.LastIndexByte(urls["smtp"], '@')+1 : len(urls["smtp"])-1]
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Hello("client.test"); err != nil {
		t.Fatal(err)
	}
	soon(t, ctx, 20*time.Second, `document.querySelectorAll("#list li[data-id]").length === 1`)
	do(t, ctx, chromedp.KeyEvent("j"))
	soon(t, ctx, 20*time.Second, `document.querySelector(".diagram")?.innerText.includes("EHLO client.test")`)
	if err := c.Mail("ann@shop.test"); err != nil {
		t.Fatal(err)
	}
	soon(t, ctx, 20*time.Second, `document.querySelector(".diagram")?.innerText.includes("MAIL FROM:<ann@shop.test>")`)
	if err := errors.Join(c.Rcpt("bob@customer.test"), c.Quit()); err != nil {
		t.Fatal(err)
	}
	soon(t, ctx, 20*time.Second, `document.querySelector(".diagram")?.innerText.includes("QUIT")`)
	picture(t, ctx, "lab-conversation.png")
}

func TestFaultsThroughThePage(t *testing.T) {
	ctx, _, urls := browser(t, "#servers")
	row := `tr[data-protocol=smtp] `
	do(t, ctx, chromedp.WaitVisible(row+".spec"), chromedp.SendKeys(row+".spec", "code:RCPT=451 4.7.1 Later"), chromedp.Click(row+".apply"))
	soon(t, ctx, 20*time.Second, `document.querySelector("tr[data-protocol=smtp]").classList.contains("on")`)
	picture(t, ctx, "lab-faults.png")
	addr := urls["smtp"][strings.LastIndexByte(urls["smtp"], '@')+1 : len(urls["smtp"])-1]
	try := func() error {
		return smtp.SendMail(addr, nil, "a@b.test", []string{"c@d.test"}, []byte("Subject: x\r\n\r\nx\r\n"))
	}
	if err := try(); err == nil || !strings.Contains(err.Error(), "4.7.1 Later") {
		t.Errorf("%v, want the fault", err)
	}
	do(t, ctx, chromedp.Click(row+".off"))
	soon(t, ctx, 20*time.Second, `!document.querySelector("tr[data-protocol=smtp]").classList.contains("on")`)
	if err := try(); err != nil {
		t.Errorf("the fault is switched off: %v", err)
	}
}

func TestFilesNewsAndRequests(t *testing.T) {
	ctx, s, urls := browser(t, "#requests")
	answer, err := http.Post(urls["http"]+"-/hook/payment", "application/json", strings.NewReader(`{"paid":true}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	soon(t, ctx, 20*time.Second, `document.querySelector("#list").innerText.includes("POST /-/hook/payment")`)
	do(t, ctx, chromedp.KeyEvent("j"))
	soon(t, ctx, 20*time.Second, `document.querySelector("#detail")?.innerText.includes('"paid": true')`)
	put, err := http.NewRequestWithContext(t.Context(), "PUT", urls["http"]+"incoming/up.txt", strings.NewReader("content of the file"))
	if err != nil {
		t.Fatal(err)
	}
	put.SetBasicAuth("alice", "secret")
	if answer, err = http.DefaultClient.Do(put); err != nil || answer.StatusCode != 201 {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	do(t, ctx, chromedp.KeyEvent("2"))
	soon(t, ctx, 20*time.Second, `document.querySelector("#list").innerText.includes("/incoming/up.txt")`)
	do(t, ctx, chromedp.KeyEvent("j"))
	soon(t, ctx, 20*time.Second, `document.querySelector("#detail")?.innerText.includes("content of the file")`)
	do(t, ctx, chromedp.KeyEvent("d"))
	soon(t, ctx, 20*time.Second, `document.querySelector("#list .empty") !== null`)
	if _, err := s.Tree().Stat("/incoming/up.txt"); err == nil {
		t.Error("the file is still there")
	}
}
