package protocols

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SchemeTLS says how TLS belongs to a scheme.
type SchemeTLS string

// How TLS belongs to a scheme.
const (
	TLSNone     SchemeTLS = "none"     // the protocol has none on this scheme
	TLSUpgrade  SchemeTLS = "upgrade"  // by --tls, with STARTTLS or the like
	TLSRequired SchemeTLS = "required" // upgrade or fail
	TLSImplicit SchemeTLS = "implicit" // from the first byte
)

// Scheme is one URL scheme of a protocol.
type Scheme struct {
	Name string
	Port int // default; 0: the URL must name one, or the scheme has none
	TLS  SchemeTLS
	// NoHost allows URLs without a host where there is a default port:
	// lmtp:///path/to/socket, news:group.
	NoHost bool
}

// Spec describes an adapter to the catalog.
type Spec struct {
	Name     string // protocol, and the adapter's folder
	Summary  string // half a line
	Schemes  []Scheme
	Borrows  []Scheme // schemes of other adapters that this one takes where it is named
	RFCs     []int
	Replaces string // Python modules it stands in for
	Hidden   bool   // no protocol of its own in the command line (local files)

	// New makes a client for the server of u. It does no I/O.
	New func(u *url.URL, o *Options) (Client, error)
	// Path returns the name that u points at, as the client's verbs take it.
	Path func(u *url.URL) (string, error)
}

// Registry is a catalog of adapters: a value that a caller fills and passes on.
type Registry struct {
	specs   []*Spec
	schemes map[string]*Spec
}

// NewRegistry makes a catalog. Two adapters with one scheme are an error.
func NewRegistry(specs ...*Spec) (*Registry, error) {
	r := &Registry{schemes: map[string]*Spec{}}
	for _, s := range specs {
		for _, sc := range s.Schemes {
			if other := r.schemes[sc.Name]; other != nil {
				return nil, fmt.Errorf("scheme %s: both %s and %s", sc.Name, other.Name, s.Name)
			}
			r.schemes[sc.Name] = s
		}
		r.specs = append(r.specs, s)
	}
	return r, nil
}

// Specs returns the adapters in the order they were registered.
func (r *Registry) Specs() []*Spec { return slices.Clone(r.specs) }

// Spec returns the adapter with that protocol name, or nil.
func (r *Registry) Spec(name string) *Spec {
	for _, s := range r.specs {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Scheme returns the scheme record of the adapter, and whether it has it, borrowed
// ones included.
func (s *Spec) Scheme(name string) (Scheme, bool) {
	all := slices.Concat(s.Schemes, s.Borrows)
	i := slices.IndexFunc(all, func(sc Scheme) bool { return sc.Name == name })
	if i < 0 {
		return Scheme{}, false
	}
	return all[i], true
}

// Accept returns the scheme of u and options that are not nil, for an adapter's New.
// A scheme that is none of the adapter's is an error of kind [KindUsage] that names
// those that are.
func (s *Spec) Accept(u *url.URL, o *Options) (Scheme, *Options, error) {
	if o == nil {
		o = &Options{}
	}
	scheme, ok := s.Scheme(u.Scheme)
	if !ok {
		return scheme, o, UsageError(s.Name, "", fmt.Sprintf("scheme %q is not one of %s", u.Scheme, strings.Join(names(slices.Concat(s.Schemes, s.Borrows)), ", ")))
	}
	return scheme, o, nil
}

// Open makes the client of one adapter for a URL, which may lack its scheme, and
// returns the name in it that the client's verbs take:
//
//	c, folder, err := protocols.Open[*ftp.Client](ftp.Spec(), "ftp://host/pub/", nil)
//
// It does no I/O. The caller closes the client. A nil o means the defaults.
func Open[C Client](s *Spec, text string, o *Options) (c C, name string, err error) {
	u, err := ParseURL(text, s.Schemes[0].Name)
	if err != nil {
		return c, "", err
	}
	target, err := s.target(u)
	if err != nil {
		return c, "", err
	}
	client, err := s.New(target.URL, o) // its own type is wanted, without wrappers
	if err != nil {
		return c, "", err
	}
	c, ok := client.(C)
	if !ok {
		return c, "", UsageError(s.Name, "", fmt.Sprintf("the client is a %T", client))
	}
	return c, target.Name, nil
}

func names(schemes []Scheme) []string {
	var names []string
	for _, sc := range schemes {
		names = append(names, sc.Name)
	}
	return names
}

// Target is a parsed URL with the adapter that opens it.
type Target struct {
	URL    *url.URL
	Spec   *Spec
	Scheme Scheme
	Name   string // what the client's verbs take
}

// Parse reads a URL, or a text without scheme when proto names a protocol. With
// proto a scheme of another protocol is refused.
func (r *Registry) Parse(text, proto string) (*Target, error) {
	scheme := ""
	if s := r.Spec(proto); s != nil {
		scheme = s.Schemes[0].Name
	}
	u, err := ParseURL(text, scheme)
	if err != nil {
		return nil, err
	}
	return r.Target(u, proto)
}

// Target finds the adapter of a parsed URL, and the name it points at.
func (r *Registry) Target(u *url.URL, proto string) (*Target, error) {
	spec := r.schemes[u.Scheme]
	if named := r.Spec(proto); named != nil {
		if _, ok := named.Scheme(u.Scheme); ok {
			spec = named
		}
	}
	if spec == nil {
		return nil, badURL(Redact(u), fmt.Sprintf("unknown scheme %q; known are %s", u.Scheme, strings.Join(r.schemeNames(), " ")))
	}
	if proto != "" && spec.Name != proto {
		return nil, badURL(Redact(u), fmt.Sprintf("scheme %q belongs to %s, not to %s", u.Scheme, spec.Name, proto))
	}
	return spec.target(u)
}

// target finds the scheme of a parsed URL, and the name it points at.
func (s *Spec) target(u *url.URL) (*Target, error) {
	scheme, _, err := s.Accept(u, nil)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" && scheme.Port != 0 && !scheme.NoHost {
		return nil, badURL(Redact(u), "no host")
	}
	name, err := s.Path(u)
	if err != nil {
		return nil, Wrap(err, s.Name, "", Redact(u))
	}
	return &Target{URL: u, Spec: s, Scheme: scheme, Name: name}, nil
}

// Open makes the client of a target. It does no I/O. With Options.Wait or
// Options.Observe it is a wrapper: [As] finds the adapter's type in it.
func (t *Target) Open(o *Options) (Client, error) {
	c, err := t.Spec.New(t.URL, o)
	if err != nil {
		return nil, err
	}
	return t.surround(c, o), nil
}

func (r *Registry) schemeNames() []string {
	var all []string
	for _, s := range r.specs {
		all = append(all, names(s.Schemes)...)
	}
	return all
}

// HostPort returns host and port of a URL, with the default port of its scheme.
func HostPort(u *url.URL, s Scheme) (host, port string) {
	host, port = u.Hostname(), u.Port()
	if port == "" && s.Port != 0 {
		port = strconv.Itoa(s.Port)
	}
	return host, port
}
