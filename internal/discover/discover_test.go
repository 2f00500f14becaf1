package discover

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// zone are SRV records by "service name"; one that is missing is not found.
type zone map[string][]*net.SRV

func (z zone) LookupSRV(_ context.Context, service, _, name string) (string, []*net.SRV, error) {
	if z["broken "+name] != nil {
		return "", nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if found := z[service+" "+name]; found != nil {
		return "", found, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// pages are what may be fetched.
func pages(all map[string]string) Fetch {
	return func(_ context.Context, u string, _ int64) ([]byte, error) {
		if text, ok := all[u]; ok {
			return []byte(text), nil
		}
		return nil, &protocols.Error{Kind: protocols.KindRefused, Code: 404}
	}
}

const config = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="shop.test"><domain>shop.test</domain>
<incomingServer type="pop3"><hostname>pop.%EMAILDOMAIN%</hostname><port>110</port><socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username><authentication>password-encrypted</authentication></incomingServer>
<incomingServer type="imap"><hostname>imap.shop.test</hostname><port>1993</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username><authentication>OAuth2</authentication><authentication>password-cleartext</authentication></incomingServer>
<incomingServer type="exchange"><hostname>x.shop.test</hostname><port>443</port><socketType>SSL</socketType></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.shop.test</hostname><port>25</port><socketType>plain</socketType></outgoingServer>
<outgoingServer type="smtp"><hostname>bad host</hostname><port>25</port><socketType>SSL</socketType></outgoingServer>
</emailProvider></clientConfig>`

func texts(found []Service) string {
	var lines []string
	for _, s := range found {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", s.URL, s.TLS, s.Source, strings.Join(s.Auth, ","), s.Note)))
	}
	return strings.Join(lines, "\n")
}

// TestFind: what a domain publishes, in the order in which it is to be tried.
func TestFind(t *testing.T) {
	f := &Finder{
		Resolver: zone{
			"imaps shop.test": {{Target: "mail.shop.test.", Port: 993}, {Target: "mail.host.test.", Port: 9993}}, "imap shop.test": {{Target: ".", Port: 0}},
			"submissions shop.test": {{Target: "MAIL.shop.test.", Port: 465}}, "submission shop.test": {{Target: "mail.shop.test.", Port: 2587}},
		},
		Fetch: pages(map[string]string{"https://autoconfig.shop.test/mail/config-v1.1.xml?emailaddress=ann.b%2Bx%40shop.test": config}),
	}
	found, err := f.Find(t.Context(), "ann.b+x@Shop.Test")
	want := `imaps://ann.b+x%40shop.test@mail.shop.test/ implicit srv
imaps://ann.b+x%40shop.test@mail.host.test:9993/ implicit srv  the host is not below shop.test: confirm that it is the provider's
smtps://ann.b+x%40shop.test@mail.shop.test/ implicit srv
submission://ann.b+x%40shop.test@mail.shop.test:2587/ upgrade srv
imaps://ann.b+x%40shop.test@imap.shop.test:1993/ implicit autoconfig OAuth2,password-cleartext
pop3://ann.b+x@pop.shop.test/ upgrade autoconfig password-encrypted
smtp://smtp.shop.test/ none autoconfig  without TLS: no password is sent there`
	if got := texts(found); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	f.Resolver = zone{"broken shop.test": {}}
	f.Fetch = pages(map[string]string{"https://shop.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=a%40shop.test": config})
	if found, err := f.Find(t.Context(), "a@shop.test"); err != nil || len(found) != 3 {
		t.Errorf("%v\n%s", err, texts(found))
	}
}

// TestFindNothing: what is not published, not to be asked, or not understood.
func TestFindNothing(t *testing.T) {
	for _, c := range []struct {
		address string
		zone    zone
		page    string
		kind    protocols.Kind
	}{
		{"a@shop.test", zone{}, "", protocols.KindRefused},
		{"a@shop.test", zone{"broken shop.test": {}}, "", protocols.KindConnect},
		{"a@shop.test", zone{}, "<html>not found", protocols.KindProtocol},
		{"a@shop.test", zone{"imap shop.test": {{Target: "."}}}, "", protocols.KindRefused},
		{"shop.test", zone{}, "", protocols.KindUsage}, {"a@b@", zone{}, "", protocols.KindUsage}, {"@shop.test", zone{}, "", protocols.KindUsage},
		{"a@localhost", zone{}, "", protocols.KindUsage}, {"a\r\n@shop.test", zone{}, "", protocols.KindUsage},
	} {
		all := map[string]string{}
		if c.page != "" {
			all["https://autoconfig.shop.test/mail/config-v1.1.xml?emailaddress=a%40shop.test"] = c.page
		}
		if _, ok := c.zone["broken shop.test"]; ok {
			c.zone["broken shop.test"] = []*net.SRV{}
		}
		found, err := (&Finder{c.zone, pages(all)}).Find(t.Context(), c.address)
		if protocols.KindOf(err) != c.kind || len(found) > 0 {
			t.Errorf("%q: %v, %s", c.address, err, texts(found))
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(config))
	f.Fuzz(func(t *testing.T, b []byte) {
		found, _ := parseConfig(b, "a", "shop.test", "x")
		for _, s := range found {
			if strings.ContainsAny(s.URL, "\r\n\x00 ") {
				t.Errorf("%q", s.URL)
			}
		}
	})
}
