package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestProbePluginUsage: what is wrong with the command line is UNKNOWN, on standard
// output: a monitoring system shows that line, and pages nobody.
func TestProbePluginUsage(t *testing.T) {
	for args, says := range map[string]string{
		"probe --nagios":                                  "URL is missing",
		"probe --nagios --bogus fake://h/":                "unknown flag --bogus",
		"probe --nagios foo://x":                          "unknown scheme",
		"probe --nagios -w soon fake://h/":                "want a time",
		"probe --nagios --cert-days 7,14 fake://h/":       "14,7",
		"probe --nagios --json fake://h/":                 "--json",
		"probe --nagios --every 1s fake://h/":             "--every",
		"probe --nagios --expect-status 200 fake://h/":    "for http",
		"probe --nagios --profile nobody fake://h/":       "nobody",
		"probe --nagios fake://u:geheim@h:99999999/":      "port",
		"probe --nagios --netrc-file fake://u:geheim@h/x": "URL is missing",
	} {
		r := (&fakeServer{}).cli(t, strings.Fields(args)...)
		if r.code != 3 || !strings.HasPrefix(r.out, "UNKNOWN - ") || !strings.Contains(r.out, says) || r.errOut != "" || strings.Contains(r.out, "geheim") {
			t.Errorf("%s: exit code %d, %q, standard error %q", args, r.code, r.out, r.errOut)
		}
	}
	for args, says := range map[string]string{
		"probe -w 1s fake://h/":            "--warn is for --nagios",
		"probe --cert-days 3 fake://h/":    "--cert-days is for --nagios",
		"probe --expect-body x fake://h/":  "for http",
		"probe --prometheus --jq . fake:/": "--jq",
	} {
		(&fakeServer{}).cli(t, strings.Fields(args)...).says(t, 2, says)
	}
}

// TestProbePluginLine: the text holds the numbers, and each label the name of what it
// measures.
func TestProbePluginLine(t *testing.T) {
	end := time.Now().Add(10*24*time.Hour + time.Hour)
	s := &fakeServer{report: &protocols.Report{Up: true, Total: 12 * time.Millisecond, TLS: 5 * time.Millisecond, Status: 200, CertNotAfter: end}}
	s.cli(t, "probe", "--nagios", "--cert-days", "7", "fake://h/").want(t, 0, "OK - fake://h/ status 200, 12 ms, certificate 10 days | time=0.012000s;;;0 tls=0.005000s;;;0 status=200 cert_days=10;7:;0:\n")
	s.cli(t, "probe", "--nagios", "fake://h/").want(t, 1, "WARNING - fake://h/ certificate ends in 10 days ("+end.Format(time.DateOnly)+") | time=0.012000s;;;0 tls=0.005000s;;;0 status=200 cert_days=10;14:;0:\n")
	s.cli(t, "probe", "--nagios", "--cert-days", "20,11", "fake://h/").says(t, 2, "")
	s.report = &protocols.Report{Up: true, Total: time.Millisecond}
	s.cli(t, "probe", "--nagios", "fake://h/a=b", "fake://u:geheim@h/it's").want(t, 0,
		"OK - fake://h/a=b 1 ms, fake://u@h/it's 1 ms | 'fake://h/a%3Db time'=0.001000s;;;0 'fake://u@h/it%27s time'=0.001000s;;;0\n")
}

// TestProbePrometheus: each family has its HELP and TYPE, once, with all its series.
func TestProbePrometheus(t *testing.T) {
	s := &fakeServer{report: &protocols.Report{Up: true, Total: 2 * time.Second, Connect: time.Second, Status: 200, CertNotAfter: time.Unix(2e9, 0)}}
	s.cli(t, "probe", "--prometheus", "fake://h/a", "fake://i/").want(t, 0, `# HELP netclients_probe_up Whether the server answered as expected: 1 or 0.
# TYPE netclients_probe_up gauge
netclients_probe_up{url="fake://h/a"} 1
netclients_probe_up{url="fake://i/"} 1
# HELP netclients_probe_duration_seconds How long the whole probe took.
# TYPE netclients_probe_duration_seconds gauge
netclients_probe_duration_seconds{url="fake://h/a"} 2
netclients_probe_duration_seconds{url="fake://i/"} 2
# HELP netclients_probe_phase_seconds How long each step of the probe took.
# TYPE netclients_probe_phase_seconds gauge
netclients_probe_phase_seconds{url="fake://h/a",phase="connect"} 1
netclients_probe_phase_seconds{url="fake://i/",phase="connect"} 1
# HELP netclients_probe_http_status_code The status of the answer.
# TYPE netclients_probe_http_status_code gauge
netclients_probe_http_status_code{url="fake://h/a"} 200
netclients_probe_http_status_code{url="fake://i/"} 200
# HELP netclients_probe_cert_not_after_timestamp_seconds When the server's certificate ends, in seconds since 1970.
# TYPE netclients_probe_cert_not_after_timestamp_seconds gauge
netclients_probe_cert_not_after_timestamp_seconds{url="fake://h/a"} 2000000000
netclients_probe_cert_not_after_timestamp_seconds{url="fake://i/"} 2000000000
`)
}
