package cookies_test

import (
	"fmt"
	"io"
	"log"
	"net/url"
	"time"

	"github.com/netclients/netclients/protocols/http/cookies"
)

// Stores what a server sets, and sends it back while it is valid.
func Example() {
	u, err := url.Parse("https://www.example.org/")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	jar := cookies.NewJar()
	if err := jar.SetLine(u, "sid=42; Path=/; Max-Age=3600; Secure", now); err != nil {
		log.Fatal(err)
	}
	fmt.Println(jar.Line(u, now))
	fmt.Printf("%q after an hour\n", jar.Line(u, now.Add(2*time.Hour)))
	if err := jar.Save(io.Discard, false, now); err != nil { // a file that curl and wget read
		log.Fatal(err)
	}
	// Output:
	// sid=42
	// "" after an hour
}
