package transport_test

import (
	"fmt"
	"log"
	"net/url"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Makes options with the proxies of the environment, as most programs want them, and
// 4 MiB a second for all clients that get them.
func Example() {
	environment := map[string]string{"ftp_proxy": "proxy.example.org:3128", "no_proxy": ".example.net"}
	o := &protocols.Options{
		Proxy:   transport.EnvProxy(func(name string) string { return environment[name] }), // nil reads the real one
		Limiter: transport.NewLimiter(4 << 20),
	}
	for _, text := range []string{"ftp://ftp.example.org/", "ftp://ftp.example.net/"} {
		u, err := url.Parse(text)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(o.Proxy(u))
	}
	// Output:
	// http://proxy.example.org:3128 <nil>
	// <nil> <nil>
}

func ExampleParseProxy() {
	proxy, err := transport.ParseProxy("socks5h://127.0.0.1:9050")
	if err != nil {
		log.Fatal(err)
	}
	o := &protocols.Options{Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }}
	o.Proxy = transport.NoProxy("localhost,192.0.2.0/24", o.Proxy)
	fmt.Println(o.Proxy(&url.URL{Scheme: "ftp", Host: "ftp.example.org"}))
	fmt.Println(o.Proxy(&url.URL{Scheme: "ftp", Host: "192.0.2.7"}))
	// Output:
	// socks5h://127.0.0.1:9050 <nil>
	// <nil> <nil>
}
