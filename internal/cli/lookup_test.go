package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLookupProtocol(t *testing.T) {
	if _, err := os.Stat("/etc/protocols"); err != nil {
		t.Skipf("the system has no table of protocols (Debian: netbase): %v", err)
	}
	for name, want := range map[string]int{"tcp": 6, "udp": 17, "UDP": 17} {
		got := lookupProtocol(name)
		if len(got) != 1 || got[0].Type != "protocol" || *got[0].Number != want || !strings.HasPrefix(lookupText(got[0]), name+"  protocol ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := lookupProtocol("nonsense"); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestTableOfTheSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table")
	if err := os.WriteFile(path, []byte("# none\n\nalone\nip\t0\tIP # pseudo\ntcp 6 TCP\nudp 17\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	eachLine(path, func(words []string) bool {
		got = append(got, strings.Join(words, " "))
		return words[0] != "tcp"
	})
	if want := []string{"ip 0 IP", "tcp 6 TCP"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	eachLine(filepath.Join(path, "none"), func([]string) bool { t.Error("a line of no file"); return false })
}
