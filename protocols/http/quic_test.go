package http_test

import (
	"os"
	"testing"

	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/http/h3"
)

func TestMain(m *testing.M) {
	http.QUIC = h3.Start
	os.Exit(m.Run())
}
