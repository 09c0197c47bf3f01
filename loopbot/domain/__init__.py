"""What loopbot knows: records, links, rules, plans and effects. Standard library only, no input or output."""
