// Package exporter serves probes to Prometheus: /probe?target=URL&module=NAME probes a
// target when it is asked, and returns what it found as metrics whose names are those of
// blackbox_exporter where the meaning is the same. /metrics is about the exporter
// itself, and / is a page of the targets that are probed at an interval.
package exporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/bcrypt"

	"github.com/netclients/netclients/protocols"
)

// Phase is a timed part of a probe.
type Phase struct {
	Name string
	Took time.Duration
}

// Outcome is what a probe came to.
type Outcome struct {
	Report *protocols.Report
	Trip   []Phase   // the steps of a round trip that were done
	Token  time.Time // when the token of the login ends; zero: there is none, or it does not say
	Err    error     // why the target is not up; nil: it is
}

// Options configure an exporter.
type Options struct {
	// Probe probes a target. Its error is about the module or the target's URL; what is
	// wrong with the server is in the outcome. It is called from many goroutines.
	Probe   func(ctx context.Context, module, target string) (*Outcome, error)
	Timeout func(module string) time.Duration // of a probe; 0 or a nil function: two minutes
	Most    int                               // probes at a time; further ones are refused with 503; 0: 20
	Users   map[string]string                 // names and bcrypt hashes of those who may ask; nil: everybody
	History *History                          // of the page; nil: there is none
	Note    func(text string)                 // of what goes wrong in serving; nil: not told
}

// Defaults.
const (
	defaultMost    = 20
	defaultTimeout = 2 * time.Minute
	scrapeMargin   = 500 * time.Millisecond // that the answer takes to get back in time
	shutdownWithin = 5 * time.Second
)

// Exporter answers requests for probes.
type Exporter struct {
	o        Options
	own      *prometheus.Registry
	turns    chan struct{}
	probes   *prometheus.CounterVec
	refused  prometheus.Counter
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
}

// New makes an exporter.
func New(o Options) *Exporter {
	if o.Most <= 0 {
		o.Most = defaultMost
	}
	x := &Exporter{
		o: o, own: prometheus.NewRegistry(), turns: make(chan struct{}, o.Most),
		probes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "netclients_exporter_probes_total", Help: "Probes that were made, by module and result."}, []string{"module", "result"}),
		refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "netclients_exporter_probes_refused_total", Help: "Probes that were refused because too many were going on."}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "netclients_exporter_probe_duration_seconds", Help: "How long probes took, by module.", Buckets: prometheus.ExponentialBuckets(0.005, 3, 9)}, []string{"module"}),
		running:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "netclients_exporter_probes_in_flight", Help: "Probes that are going on."}),
	}
	x.own.MustRegister(x.probes, x.refused, x.duration, x.running, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return x
}

// Handler returns what answers requests.
func (x *Exporter) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /probe", x.probe)
	m.Handle("GET /metrics", promhttp.HandlerFor(x.own, promhttp.HandlerOpts{}))
	m.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Healthy") })
	m.HandleFunc("GET /{$}", x.page)
	return x.authenticated(m)
}

// authenticated lets those in who have a name and a password, where there are names.
func (x *Exporter) authenticated(next http.Handler) http.Handler {
	if x.o.Users == nil {
		return next
	}
	unknown, _ := bcrypt.GenerateFromPassword([]byte("nobody"), bcrypt.DefaultCost)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, ok := r.BasicAuth()
		hash, known := x.o.Users[name]
		if !known {
			hash = string(unknown) // takes as long as for a name that is known
		}
		wrong := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
		if !ok || !known || wrong != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="netclients probe"`)
			http.Error(w, "a login is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// probe answers /probe.
func (x *Exporter) probe(w http.ResponseWriter, r *http.Request) {
	target, module := r.URL.Query().Get("target"), r.URL.Query().Get("module")
	if target == "" {
		http.Error(w, "target is missing: /probe?target=URL&module=NAME", http.StatusBadRequest)
		return
	}
	select {
	case x.turns <- struct{}{}:
		defer func() { <-x.turns }()
	default:
		x.refused.Inc()
		w.Header().Set("Retry-After", "1")
		http.Error(w, fmt.Sprintf("%d probes are going on already", x.o.Most), http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), x.within(module, r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds")))
	defer cancel()
	out, err := x.Measure(ctx, module, target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collect(out)...)
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// within returns how long a probe may take: as the module says, and less than the
// scraper waits.
func (x *Exporter) within(module, scrape string) time.Duration {
	d := time.Duration(0)
	if x.o.Timeout != nil {
		d = x.o.Timeout(module)
	}
	if d <= 0 {
		d = defaultTimeout
	}
	if seconds, err := strconv.ParseFloat(scrape, 64); err == nil && seconds > 0 && seconds < 86400 {
		limit := time.Duration(seconds * float64(time.Second))
		if limit > 2*scrapeMargin {
			limit -= scrapeMargin
		}
		d = min(d, limit)
	}
	return d
}

// MeasureWithin is Measure with the time limit of the module.
func (x *Exporter) MeasureWithin(ctx context.Context, module, target string) (*Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, x.within(module, ""))
	defer cancel()
	return x.Measure(ctx, module, target)
}

// Listen opens the listener for [Exporter.Serve] at HOST:PORT or :PORT.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// Measure makes one probe and counts it.
func (x *Exporter) Measure(ctx context.Context, module, target string) (*Outcome, error) {
	x.running.Inc()
	defer x.running.Dec()
	start := time.Now()
	out, err := x.o.Probe(ctx, module, target)
	if err != nil {
		x.probes.WithLabelValues("", "invalid").Inc() // a module that is not known is not a label
		return nil, err
	}
	result := "up"
	if out.Err != nil {
		result = "down"
	}
	x.probes.WithLabelValues(module, result).Inc()
	x.duration.WithLabelValues(module).Observe(time.Since(start).Seconds())
	return out, nil
}

// Serve answers requests on a listener until the context ends. With a configuration it
// speaks TLS.
func (x *Exporter) Serve(ctx context.Context, l net.Listener, conf *tls.Config) error {
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	s := &http.Server{Handler: x.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
		defer cancel()
		if s.Shutdown(late) != nil {
			s.Close()
		}
	})
	err := s.Serve(l)
	if !stop() {
		<-stopped
		return context.Cause(ctx)
	}
	return err
}

// ReadUsers reads lines "NAME:HASH" with bcrypt hashes, as htpasswd -B writes them.
func ReadUsers(text string) (map[string]string, error) {
	users := map[string]string{}
	for i, line := range slices.Collect(strings.Lines(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, hash, _ := strings.Cut(line, ":")
		if _, err := bcrypt.Cost([]byte(hash)); err != nil || name == "" {
			return nil, fmt.Errorf("line %d: want NAME:HASH with a bcrypt hash, as htpasswd -B writes it", i+1)
		}
		users[name] = hash
	}
	if len(users) == 0 {
		return nil, errors.New("there is no user in the file")
	}
	return users, nil
}
