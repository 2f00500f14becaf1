package secret

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func writeFile(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) string { return "" }

func TestConfigProfile(t *testing.T) {
	path := writeFile(t, "config.toml", `
# my servers
[profile.work]
url = "ftp://joe@ftp.example.com/pub/"
password_command = "pass show work"
password_file = "secret"
ca_file = "~/ca.pem"
insecure = true
retries = 5
timeout = 2.5
idle_timeout = "90s"
tls = "require"
[profile.home]
user = "me"
`, 0o600)
	c, err := LoadConfig(t.Context(), path, func(k string) string { return map[string]string{"HOME": "/home/joe"}[k] })
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Profile("work")
	if err != nil {
		t.Fatal(err)
	}
	if p.PasswordCommand != "pass show work" || p.PasswordFile != setting(filepath.Join(filepath.Dir(path), "secret")) {
		t.Errorf("command %q, file %q", p.PasswordCommand, p.PasswordFile)
	}
	want := map[string]string{"ca-file": "/home/joe/ca.pem", "insecure": "true", "retries": "5", "timeout": "2.5",
		"idle-timeout": "90s", "tls": "require"}
	if got := maps.Collect(p.Flags()); !reflect.DeepEqual(got, want) {
		t.Errorf("flags %v, want %v", got, want)
	}
	_, err = c.Profile("wrok")
	if err == nil || !strings.Contains(err.Error(), `no profile "wrok"; there is home, work`) {
		t.Errorf("unknown profile: %v", err)
	}
}

func TestConfigRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[profile.a]\nuser = \"x\"\nusr = \"y\"":      "line 3: unknown key profile.a.usr",
		"[profiles.a]\nuser = \"x\"":                  "unknown key profiles",
		"[profile.a]\npassword = \"hunter2\"":         "use password_command",
		"[profile.a]\ntoken = \"hunter2\"":            "token_file",
		"[profile.a]\nurl = \"ftp://u:hunter2@h/\"":   "url holds a password",
		"[profile.a]\nurl = \"nowhere\"":              "profile a: URL",
		"[profile.a\n":                                "line 1",
		"[profile.a]\nuser = [\"x\"]":                 "line 2",
		"#" + strings.Repeat("x", configMaxFile):      "longer than",
		"[profile.a]\nuser = \"x\"\nuser = \"again\"": "line 3",
	} {
		path := writeFile(t, "config.toml", text, 0o600)
		_, err := LoadConfig(t.Context(), path, noEnv)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
			continue
		}
		if protocols.KindOf(err) != protocols.KindUsage || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: not one line of kind usage with the path: %v", text, err)
		}
	}
}

// TestConfigOthersMayChange: the file names commands to run, so that neither the group
// nor everybody may change it.
func TestConfigOthersMayChange(t *testing.T) {
	for _, mode := range []os.FileMode{0o666, 0o664, 0o602} {
		_, err := LoadConfig(t.Context(), writeFile(t, "config.toml", "", mode), noEnv)
		if err == nil || !strings.Contains(err.Error(), "can be written by others; chmod go-w it") {
			t.Errorf("mode %o: got %v", mode, err)
		}
	}
	path := writeFile(t, "config.toml", "", 0o600)
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadConfig(t.Context(), path, noEnv); err == nil || !strings.Contains(err.Error(), "folder that others may change") {
		t.Errorf("got %v", err)
	}
}

func TestConfigPlace(t *testing.T) {
	env := map[string]string{}
	getenv := func(k string) string { return env[k] }
	for _, tc := range []struct{ key, value, want string }{
		{"", "", ""},
		{"HOME", "/h", "/h/.config/netclients/config.toml"},
		{"XDG_CONFIG_HOME", "relative", "/h/.config/netclients/config.toml"},
		{"XDG_CONFIG_HOME", "/x", "/x/netclients/config.toml"},
		{"NETCLIENTS_CONFIG", "/c.toml", "/c.toml"},
	} {
		env[tc.key] = tc.value
		if got := configPath(getenv); got != tc.want {
			t.Errorf("after %s=%s: %s, want %s", tc.key, tc.value, got, tc.want)
		}
	}
	c, err := LoadConfig(t.Context(), "", func(k string) string { return map[string]string{"HOME": t.TempDir()}[k] })
	if err != nil || len(c.Profiles) != 0 {
		t.Errorf("missing file: %v %v", c, err)
	}
}
