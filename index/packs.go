package index

// Packs are the packs that some loaded segment told of. ErrDamaged means that nothing is known.
func (x *Index) Packs() (map[Name]struct{}, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.usable(); err != nil {
		return nil, err
	}
	all := make(map[Name]struct{})
	for _, name := range x.packs.fresh {
		all[name] = struct{}{}
	}
	if x.slot == nil {
		return all, nil
	}
	if err := x.slot.load(); err != nil {
		return nil, x.damage(err)
	}
	for at := 0; at+32 <= len(x.slot.names); at += 32 {
		all[Name(x.slot.names[at:at+32])] = struct{}{}
	}
	return all, nil
}
