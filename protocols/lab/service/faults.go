package service

import (
	"fmt"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/labapi"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// checkFaults parses specifications without using them.
func (s *Service) checkFaults(specs map[string]string) error {
	for _, spec := range specs {
		if _, err := base.ParseFaults(spec); err != nil {
			return err
		}
	}
	return nil
}

// SetFaults replaces the faults of servers by specifications; "*" stands for every
// server. Those that are not named keep theirs. When one is wrong none is replaced.
func (s *Service) SetFaults(specs map[string]string) error {
	all := map[string]string{}
	known := map[string]bool{}
	for _, r := range s.list {
		known[r.Protocol] = r.Server != nil
		if spec, ok := specs["*"]; ok && r.Server != nil {
			all[r.Protocol] = spec
		}
	}
	for p, spec := range specs {
		if p != "*" && !known[p] {
			return fmt.Errorf("no server %q runs", p)
		}
		if p != "*" {
			all[p] = spec
		}
	}
	return s.setSpecs(all, false)
}

// setSpecs replaces the faults of servers; with rest those of the others are taken away.
func (s *Service) setSpecs(specs map[string]string, rest bool) error {
	if err := s.checkFaults(specs); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.list {
		spec, ok := specs[r.Protocol]
		server, can := r.Server.(interface{ SetFaults(base.Faults) })
		if !can || !ok && !rest {
			continue
		}
		f, err := base.ParseFaults(spec)
		if err != nil {
			return err
		}
		server.SetFaults(f)
		s.faults[r.Protocol] = spec
	}
	return nil
}

// described returns the servers as the interface lists them.
func (s *Service) described() []labapi.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []labapi.Server
	for _, r := range s.list {
		if r.Server != nil {
			list = append(list, labapi.Server{Protocol: r.Protocol, URL: r.URL, User: r.User, Password: r.Password, Fault: s.faults[r.Protocol]})
		}
	}
	return list
}

// posted notes an article that was taken.
func (s *Service) posted(id string) {
	text, ok := s.news.Article(id)
	if !ok {
		return
	}
	p := journal.Post{ID: id, Time: now(), Size: len(text)}
	p.Groups, p.From, p.Subject = newslab.Header(text, "Newsgroups"), labapi.Words(newslab.Header(text, "From")), labapi.Words(newslab.Header(text, "Subject"))
	s.journal.AddPost(p)
}
