package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Setting is a key of a profile and its value.
type Setting struct{ Key, Value string }

// ProfileKeys returns the keys that a profile may have, but for those that are refused.
func ProfileKeys() []string {
	var keys []string
	for key := range new(Profile).settings() {
		if key != "password" && key != "token" {
			keys = append(keys, key)
		}
	}
	return keys
}

// IsProfilePath reports whether the value of a profile's key is the path of a file.
func IsProfilePath(key string) bool { return pathKeys[key] }

// ProfileText writes a profile as it stands in the configuration file.
func ProfileText(name string, settings []Setting) (string, error) {
	text := "[profile." + tomlKey(name) + "]\n"
	for _, s := range settings {
		line, err := toml.Marshal(map[string]string{s.Key: s.Value})
		if err != nil {
			return "", err
		}
		text += string(line)
	}
	return text, nil
}

func tomlKey(name string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

// AddProfile adds a profile to the end of the configuration file, and returns the path
// of that. The file is made when it is missing, mode 0600, and replaced as a whole. A
// profile of the name is not replaced: that is an error of kind usage.
func AddProfile(ctx context.Context, name string, settings []Setting, getenv func(string) string) (string, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", protocols.UsageError("", "", fmt.Sprintf("%q is not a name for a profile", name))
	}
	conf, err := LoadConfig(ctx, "", getenv)
	if err != nil {
		return "", err
	}
	if conf.Path == "" {
		return "", protocols.UsageError("", "", "there is no folder for the configuration file: HOME is not set")
	}
	if conf.Profiles[name] != nil {
		return "", configError(conf.Path, fmt.Errorf("there is a profile %q already; choose another name, or remove that one", name))
	}
	text, err := ProfileText(name, settings)
	if err != nil {
		return "", err
	}
	return conf.Path, appendConfig(ctx, conf.Path, text)
}

// appendConfig replaces the file by itself with a text at its end, if that can be read.
func appendConfig(ctx context.Context, path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return credError("", err)
	}
	if len(old) > 0 {
		text = strings.TrimRight(string(old), "\n") + "\n\n" + text
	}
	if err := (&Config{}).decode(strings.NewReader(text)); err != nil {
		return configError(path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return credError("", err)
	}
	return file.Replace(ctx, path, []byte(text), 0o600)
}

// Sorted returns settings with the URL first, then in the order of the keys of a
// profile, each key once: the first value stays.
func Sorted(settings []Setting) []Setting {
	var out []Setting
	v := reflect.TypeFor[Profile]()
	for i := range v.NumField() {
		key := v.Field(i).Tag.Get("toml")
		if j := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key }); j >= 0 {
			out = append(out, settings[j])
		}
	}
	return out
}
