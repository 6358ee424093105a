package snapshot

import (
	"fmt"
	"slices"
	"strings"
)

// GroupBy says which snapshots a policy looks at together: those that agree in all that is set.
type GroupBy struct{ Device, Paths, Host, Tags bool }

// ParseGroupBy reads a list such as "device,paths"; the empty one puts all snapshots in one group.
func ParseGroupBy(text string) (by GroupBy, err error) {
	for word := range strings.SplitSeq(text, ",") {
		switch strings.TrimSpace(word) {
		case "device":
			by.Device = true
		case "path", "paths":
			by.Paths = true
		case "host":
			by.Host = true
		case "tag", "tags":
			by.Tags = true
		case "":
		default:
			return by, fmt.Errorf("snapshots are not grouped by %q; device, paths, host and tags are known", word)
		}
	}
	return by, nil
}

// Group is snapshots that a policy looks at together; what they are not grouped by is empty.
type Group struct {
	Device    Device
	Paths     []string
	Host      string
	Tags      []string
	Snapshots []Snapshot // oldest first
}

// Group puts snapshots into groups, in the order in which each group begins. Attics are in none: no policy is about them.
func (by GroupBy) Group(snapshots []Snapshot) (groups []Group) {
	at := make(map[string]int)
	for _, s := range snapshots {
		if s.Attic {
			continue
		}
		g := by.groupOf(s)
		key := fmt.Sprintf("%q %q %q %q", g.Device.ID, g.Paths, g.Host, g.Tags)
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, g)
		}
		groups[i].Snapshots = append(groups[i].Snapshots, s)
		if by.Device {
			groups[i].Device = s.Device // as it is called now
		}
	}
	return groups
}

func (by GroupBy) groupOf(s Snapshot) (g Group) {
	if by.Device {
		g.Device = s.Device
	}
	if by.Paths {
		g.Paths = slices.Sorted(slices.Values(s.Roots))
	}
	if by.Host {
		g.Host = s.Host
	}
	if by.Tags {
		g.Tags = slices.Sorted(slices.Values(s.Tags))
	}
	return g
}
