package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// configMaxFile bounds the configuration file.
const configMaxFile = 1 << 20

// Config is the configuration file.
type Config struct {
	Path     string              `toml:"-"` // where it is, or would be
	Profiles map[string]*Profile `toml:"profile"`
}

// Profile is one named server. Each key but url stands for the flag of the same
// name, with _ for -; its value is the flag's text.
type Profile struct {
	URL                setting `toml:"url"`
	User               setting `toml:"user"`
	PasswordCommand    setting `toml:"password_command"`
	PasswordFile       setting `toml:"password_file"`
	TokenFile          setting `toml:"token_file"`
	TokenCommand       setting `toml:"token_command"`
	NetrcFile          setting `toml:"netrc_file"`
	Auth               setting `toml:"auth"`
	AuthzID            setting `toml:"authzid"`
	Account            setting `toml:"account"`
	AllowPlaintextAuth setting `toml:"allow_plaintext_auth"`
	TLS                setting `toml:"tls"`
	TLSMin             setting `toml:"tls_min"`
	TLSMax             setting `toml:"tls_max"`
	CAFile             setting `toml:"ca_file"`
	CAPath             setting `toml:"capath"`
	Ciphers            setting `toml:"ciphers"`
	ALPN               setting `toml:"alpn"`
	Cert               setting `toml:"cert"`
	Key                setting `toml:"key"`
	KeyPasswordFile    setting `toml:"key_password_file"`
	ServerName         setting `toml:"servername"`
	Pin                setting `toml:"pin"`
	Insecure           setting `toml:"insecure"`
	Proxy              setting `toml:"proxy"`
	PreProxy           setting `toml:"preproxy"`
	DOHURL             setting `toml:"doh_url"`
	NoProxy            setting `toml:"noproxy"`
	ProxyCommand       setting `toml:"proxy_command"`
	Bind               setting `toml:"bind"`
	ConnectTo          setting `toml:"connect_to"`
	Resolve            setting `toml:"resolve"`
	LimitRate          setting `toml:"limit_rate"`
	MaxSize            setting `toml:"max_size"`
	Timeout            setting `toml:"timeout"`
	ConnectTimeout     setting `toml:"connect_timeout"`
	IdleTimeout        setting `toml:"idle_timeout"`
	Retries            setting `toml:"retries"`
	RetryWait          setting `toml:"retry_wait"`
	Parallel           setting `toml:"parallel"`
	Active             setting `toml:"active"`
	Prot               setting `toml:"prot"`
	NoEPSV             setting `toml:"no_epsv"`
	NoMLSD             setting `toml:"no_mlsd"`
	IPv4               setting `toml:"ipv4"`
	IPv6               setting `toml:"ipv6"`

	// Keys that are refused, with a better message than for an unknown one.
	Password setting `toml:"password"`
	Token    setting `toml:"token"`
}

// setting is the text of a TOML string, number or boolean.
type setting string

// UnmarshalText takes the text as it stands in the file.
func (s *setting) UnmarshalText(text []byte) error {
	*s = setting(text)
	return nil
}

// notFlags are the keys of a profile that [Profile.Flags] leaves out: they are
// no flags, or the credentials chain reads them in its own order.
var notFlags = map[string]bool{
	"url": true, "user": true, "password_command": true, "password_file": true, "token_file": true,
	"token_command": true, "password": true, "token": true,
}

// pathKeys are the keys whose values are files, relative to the configuration's folder.
var pathKeys = map[string]bool{
	"password_file": true, "token_file": true, "netrc_file": true, "ca_file": true, "cert": true, "key": true,
	"key_password_file": true,
}

// Flags returns the flags that the profile sets, with their values, for those
// which the command line has not set itself.
func (p *Profile) Flags() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for key, value := range p.settings() {
			if *value != "" && !notFlags[key] && !yield(strings.ReplaceAll(key, "_", "-"), string(*value)) {
				return
			}
		}
	}
}

// settings maps each key of the profile with the field that holds it.
func (p *Profile) settings() iter.Seq2[string, *setting] {
	return func(yield func(string, *setting) bool) {
		v := reflect.ValueOf(p).Elem()
		for i := range v.NumField() {
			if !yield(v.Type().Field(i).Tag.Get("toml"), v.Field(i).Addr().Interface().(*setting)) {
				return
			}
		}
	}
}

// configPath returns the path of the configuration file, empty when nothing says
// where the user's files are.
func configPath(getenv func(string) string) string {
	if p := getenv("NETCLIENTS_CONFIG"); p != "" {
		return p
	}
	dir := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(dir) && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "netclients", "config.toml")
}

// LoadConfig reads the configuration file; an empty path means the usual place
// (NETCLIENTS_CONFIG, XDG_CONFIG_HOME). A file that is missing is an empty
// configuration. Errors are of kind Usage and name file and key.
func LoadConfig(ctx context.Context, path string, getenv func(string) string) (*Config, error) {
	if path == "" {
		path = configPath(getenv)
	}
	c := &Config{Path: path}
	if path == "" {
		return c, nil
	}
	f, err := file.Open(ctx, path, file.RuleConfig, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := c.decode(f); err != nil {
		return nil, configError(path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		if err := c.Profiles[name].check(path, getenv("HOME")); err != nil {
			return nil, configError(path, fmt.Errorf("profile %s: %w", name, err))
		}
	}
	return c, nil
}

func configError(path string, err error) error {
	return protocols.UsageError("", "", fmt.Sprintf("%s: %v", path, err))
}

func (c *Config) decode(r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, configMaxFile+1))
	if err != nil {
		return err
	}
	if len(text) > configMaxFile {
		return fmt.Errorf("longer than %d bytes", configMaxFile)
	}
	d := toml.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	return PlainTOMLError(d.Decode(c))
}

// PlainTOMLError returns one line that names the key or the place.
func PlainTOMLError(err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		line, _ := e.Position()
		return fmt.Errorf("line %d: unknown key %s", line, strings.Join(e.Key(), "."))
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		return fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(e.Error(), "toml: "))
	}
	return err
}

// Ready refuses secrets in a profile of another file, and makes its paths absolute, from
// the folder of that file.
func (p *Profile) Ready(dir string) error { return p.check(filepath.Join(dir, "x"), os.Getenv("HOME")) }

// check refuses secrets in the file, and makes paths absolute.
func (p *Profile) check(path, home string) error {
	if p.Password != "" || p.Token != "" {
		return errors.New("no password or token may stand in this file; use password_command, password_file, token_file or the system keyring")
	}
	if p.URL != "" {
		u, err := protocols.ParseURL(string(p.URL), "")
		if err != nil {
			return err
		}
		if hasPassword(u) {
			return errors.New("url holds a password; use password_command, password_file or the system keyring")
		}
	}
	for key, value := range p.settings() {
		if pathKeys[key] {
			*value = setting(localPath(string(*value), filepath.Dir(path), home))
		}
	}
	return nil
}

// AnyLogin reports whether the profile has a login that is not for one server: a user,
// a password or a token, and no URL.
func (p *Profile) AnyLogin() bool {
	return p.URL == "" && cmp.Or(p.User, p.PasswordFile, p.PasswordCommand, p.TokenFile, p.TokenCommand, p.Account) != ""
}

func hasPassword(u *url.URL) bool {
	if u == nil || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

// localPath resolves ~/ and paths relative to dir; "-" is standard input.
func localPath(path, dir, home string) string {
	if path == "" || path == "-" || filepath.IsAbs(path) {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return filepath.Join(dir, path)
}

// Profile returns the profile of that name, or an error that lists those there are.
func (c *Config) Profile(name string) (*Profile, error) {
	if p := c.Profiles[name]; p != nil {
		return p, nil
	}
	names := slices.Sorted(maps.Keys(c.Profiles))
	if len(names) == 0 {
		names = []string{"none"}
	}
	return nil, configError(c.Path, fmt.Errorf("no profile %q; there is %s", name, strings.Join(names, ", ")))
}
