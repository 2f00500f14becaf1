package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
)

func TestTopics(t *testing.T) {
	overview := (&fakeServer{}).cli(t, "help", "help").out
	for _, topic := range topics() {
		got := (&fakeServer{}).cli(t, "help", topic.name)
		if got.code != 0 || strings.Count(got.out, "\n") < 5 {
			t.Errorf("help %s: exit code %d, %q", topic.name, got.code, got.out)
		}
		if !strings.Contains(overview, topic.name+" ") {
			t.Errorf("%s is not in the list of topics", topic.name)
		}
	}
}

// TestExitPage: each kind of failure is told.
func TestExitPage(t *testing.T) {
	kinds := []protocols.Kind{protocols.KindInterrupted}
	for k := protocols.KindOK; !strings.HasPrefix(k.String(), "kind "); k++ {
		kinds = append(kinds, k)
	}
	if len(kinds) != len(exitCodes) {
		t.Errorf("%d kinds, %d lines", len(kinds), len(exitCodes))
	}
	for _, e := range exitCodes {
		if !slices.Contains(kinds, e.kind) {
			t.Errorf("%v is no kind", e.kind)
		}
	}
}

// TestConfigPage: the example of the page is a configuration.
func TestConfigPage(t *testing.T) {
	var example strings.Builder
	for line := range strings.Lines(configPage) {
		if text, ok := strings.CutPrefix(line, "  "); ok && (strings.HasPrefix(text, "[") || strings.Contains(text, " = ")) {
			example.WriteString(text)
		}
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(example.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := secret.LoadConfig(t.Context(), path, os.Getenv)
	if err != nil {
		t.Fatalf("%v in\n%s", err, example.String())
	}
	if len(c.Profiles) != 2 || c.Profiles["site"].Parallel != "8" || c.Profiles["work"].URL == "" {
		t.Errorf("%+v", c.Profiles)
	}
}

// TestFaultsPage: the page has all kinds of faults, and its examples are in order.
func TestFaultsPage(t *testing.T) {
	for _, kind := range []lab.FaultKind{
		lab.FaultCut, lab.FaultClose, lab.FaultStall, lab.FaultSlow, lab.FaultSplit, lab.FaultDelay, lab.FaultTruncate, lab.FaultRefuse, lab.FaultMax,
		lab.FaultCode, lab.FaultInject, lab.FaultGarbage, lab.FaultEndless, lab.FaultMultiline, lab.FaultHang, lab.FaultDrop, lab.FaultReset,
	} {
		if !regexp.MustCompile(`(?m)(^| )  ` + string(kind) + `[ :=]`).MatchString(faultsPage) {
			t.Errorf("%s is not on the page", kind)
		}
	}
	for _, example := range regexp.MustCompile(`--fault '(.*?)'`).FindAllStringSubmatch(faultsPage, -1) {
		spec := regexp.MustCompile(`\b(smtp|ftp)\.`).ReplaceAllString(example[1], "") // which server it is for, the lab takes away
		if faults, err := lab.ParseFaults(spec); err != nil || len(faults) == 0 {
			t.Errorf("%s: %v", example[1], err)
		}
	}
}
