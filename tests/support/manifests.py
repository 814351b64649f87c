"""Kubernetes manifests without a cluster: rendered, cross-checked, and laid out as a pod sees them.

Why it exists: the machine that runs the tests has neither kustomize nor a cluster. render() knows
the part of kustomize that integration/kubernetes uses and refuses the rest; where the real tool is
installed, test_kubernetes.py compares the two.
"""
import copy
import re
from pathlib import Path

import yaml

KNOWN_FIELDS = {"apiVersion", "kind", "resources", "configMapGenerator", "namespace", "images",
                "replicas", "patches"}
WORKLOADS = ("StatefulSet", "Deployment")
# What a list of maps is merged by, in a strategic merge patch. Not in here: replaced as a whole.
MERGE_KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}


class Loader(yaml.SafeLoader):
    """A key given twice is an error: the plain loader would take the last one."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value
                if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(path):
    """The documents of a file."""
    with open(path, encoding="utf-8") as f:
        return [document for document in yaml.load_all(f, Loader) if document is not None]


# ---- rendering ----

def _inside(folder, name):
    path = (folder / name).resolve()
    if folder.resolve() not in path.parents:
        raise ValueError(f"{folder}: {name} lies outside, which kustomize refuses")
    return path


def _generate(folder, generators, documents):
    for generator in generators:
        unknown = set(generator) - {"name", "behavior", "files"}
        if unknown:
            raise ValueError(f"{folder}: configMapGenerator with {unknown}")
        data = {}
        for entry in generator["files"]:
            path = _inside(folder, entry)
            data[path.name] = path.read_text(encoding="utf-8")
        name, behavior = generator["name"], generator.get("behavior", "create")
        known = [d for d in documents if (d["kind"], d["metadata"]["name"]) == ("ConfigMap", name)]
        if (behavior == "create") != (not known):
            raise ValueError(f"{folder}: ConfigMap {name}: {behavior}, there are {len(known)}")
        if behavior == "create":
            documents.append({"apiVersion": "v1", "kind": "ConfigMap",
                              "metadata": {"name": name}, "data": data})
        elif behavior == "merge":
            known[0]["data"].update(data)
        else:
            known[0]["data"] = data


def _merge(target, patch, key=None):
    if isinstance(target, dict) and isinstance(patch, dict):
        for name, value in patch.items():
            target[name] = _merge(target[name], value, name) if name in target else value
        sources = {"configMap", "secret", "projected", "emptyDir"} & set(target)
        if key == "volumes" and len(sources) > 1:
            raise ValueError(f"volume {target['name']} gets a second source")
        return target
    if isinstance(target, list) and isinstance(patch, list) and key in MERGE_KEYS:
        by = MERGE_KEYS[key]
        for item in patch:
            same = [i for i in target if i[by] == item[by]]
            if same:
                _merge(same[0], item, key)
            else:
                target.append(item)
        return target
    return patch


def _patch(folder, patches, documents):
    for entry in patches:
        if set(entry) != {"path"}:
            raise ValueError(f"{folder}: a patch with {set(entry)}")
        for patch in load(_inside(folder, entry["path"])):
            name = (patch["kind"], patch["metadata"]["name"])
            targets = [d for d in documents if (d["kind"], d["metadata"]["name"]) == name]
            if len(targets) != 1:
                raise ValueError(f"{folder}: {entry['path']} patches {name}: {len(targets)} of it")
            _merge(targets[0], copy.deepcopy(patch))


def _set_images(folder, images, documents):
    for image in images:
        used = 0
        for document in documents:
            for container in pod_spec(document).get("containers", []):
                if container["image"].partition(":")[0] == image["name"]:
                    container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
                    used += 1
        if not used:
            raise ValueError(f"{folder}: no container has the image {image['name']}")


def _set_replicas(folder, replicas, documents):
    for entry in replicas:
        targets = [d for d in documents if d["kind"] in WORKLOADS
                   and d["metadata"]["name"] == entry["name"]]
        if not targets:
            raise ValueError(f"{folder}: replicas of {entry['name']}, which is not there")
        for document in targets:
            document["spec"]["replicas"] = entry["count"]


def render(folder):
    """What `kustomize build` makes of a folder, but for the hashes in the names of ConfigMaps."""
    folder = Path(folder)
    [kustomization] = load(folder / "kustomization.yaml")
    unknown = set(kustomization) - KNOWN_FIELDS
    if unknown:
        raise ValueError(f"{folder}: kustomization with {sorted(unknown)}")
    documents = []
    for name in kustomization.get("resources", []):
        path = (folder / name).resolve()
        documents += render(path) if path.is_dir() else load(_inside(folder, name))
    _generate(folder, kustomization.get("configMapGenerator", []), documents)
    _patch(folder, kustomization.get("patches", []), documents)
    _set_images(folder, kustomization.get("images", []), documents)
    _set_replicas(folder, kustomization.get("replicas", []), documents)
    if "namespace" in kustomization:
        for document in documents:
            document["metadata"]["namespace"] = kustomization["namespace"]
    names = [(d["kind"], d["metadata"]["name"]) for d in documents]
    if len(set(names)) != len(names):
        raise ValueError(f"{folder}: a name twice in {names}")
    return documents


def comparable(documents):
    """{(kind, name): document} in which hashes and the order of named lists do not matter."""
    hashed = {d["metadata"]["name"]: re.sub(r"-[a-z0-9]{10}$", "", d["metadata"]["name"])
              for d in documents if d["kind"] == "ConfigMap"}

    def plain(value, key=None):
        if isinstance(value, dict):
            return {k: plain(v, k) for k, v in value.items()}
        if isinstance(value, list):
            items = [plain(v) for v in value]
            by = MERGE_KEYS.get(key)
            return sorted(items, key=lambda item: item[by]) if by else items
        return hashed.get(value, value) if isinstance(value, str) else value
    return {(d["kind"], plain(d["metadata"]["name"])): plain(d) for d in documents}


# ---- cross-references ----

def pod_spec(document):
    return document.get("spec", {}).get("template", {}).get("spec", {}) if document["kind"] in WORKLOADS else {}


def _sources(volume):
    """[(kind, name, items)] that a volume is made of."""
    parts = volume["projected"]["sources"] if "projected" in volume else [volume]
    found = []
    for part in parts:
        if "configMap" in part:
            found.append(("ConfigMap", part["configMap"]["name"], part["configMap"].get("items")))
        elif "secret" in part:
            secret = part["secret"]
            found.append(("Secret", secret.get("secretName", secret.get("name")), secret.get("items")))
        else:
            raise ValueError(f"volume {volume['name']}: of a kind that is not expected")
    return found


def _check_volumes(workload, maps, secrets):
    spec = pod_spec(workload)
    claims = [c["metadata"]["name"] for c in workload["spec"].get("volumeClaimTemplates", [])]
    names = [v["name"] for v in spec.get("volumes", [])] + claims
    mounted = [m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])]
    yield from (f"mount of no volume: {name}" for name in mounted if name not in names)
    yield from (f"volume that nothing mounts: {name}" for name in names if name not in mounted)
    yield from (f"volume twice: {name}" for name in set(names) if names.count(name) > 1)
    paths = [m["mountPath"] for c in spec["containers"] for m in c.get("volumeMounts", [])]
    for path in paths:
        yield from (f"mount {path} lies in {other}" for other in paths
                    if other != path and path.startswith(other + "/"))
    for volume in spec.get("volumes", []):
        for kind, name, items in _sources(volume):
            if kind == "Secret":
                if name not in secrets:
                    yield f"unknown Secret {name}"
                continue
            if name not in maps:
                yield f"no ConfigMap {name}"
                continue
            keys = [item["key"] for item in items or []]
            yield from (f"{name} has no key {key}" for key in keys if key not in maps[name])
            if items is not None:
                yield from (f"{name}: {key} is not mounted" for key in maps[name] if key not in keys)


def _check_ports(workload, services):
    for container in pod_spec(workload)["containers"]:
        ports = {port["name"] for port in container["ports"]}
        for probe in ("livenessProbe", "readinessProbe"):
            if container[probe]["httpGet"]["port"] not in ports:
                yield f"{probe} asks an unknown port"
        for service in services:
            yield from (f"Service {service['metadata']['name']}: unknown port {port['targetPort']}"
                        for port in service["spec"]["ports"] if port["targetPort"] not in ports)


def _of_workers(policy, labels):
    """What a policy selects, or, where that is another's pods, whom it lets in."""
    selected = policy["spec"]["podSelector"]["matchLabels"]
    if selected.get("app.kubernetes.io/name") == labels["app.kubernetes.io/name"]:
        return [selected]
    return [source["podSelector"]["matchLabels"] for rule in policy["spec"]["ingress"] for source in rule["from"]]


def cross_check(documents, secrets=()):
    """What does not fit together, as texts. secrets: those that somebody else makes."""
    by_kind = {}
    for document in documents:
        by_kind.setdefault(document["kind"], []).append(document)
    maps = {d["metadata"]["name"]: d["data"] for d in by_kind.get("ConfigMap", [])}
    services = by_kind.get("Service", [])
    found = []
    if len({d["metadata"].get("namespace") for d in documents}) != 1:
        found.append("more than one namespace")
    used = set()
    for workload in [d for kind in WORKLOADS for d in by_kind.get(kind, [])]:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        selectors = [("the workload", workload["spec"]["selector"]["matchLabels"])]
        selectors += [("Service", s["spec"]["selector"]) for s in services]
        selectors += [("PodDisruptionBudget", d["spec"]["selector"]["matchLabels"])
                      for d in by_kind.get("PodDisruptionBudget", [])]
        selectors += [("NetworkPolicy", selected)
                      for d in by_kind.get("NetworkPolicy", []) for selected in _of_workers(d, labels)]
        selectors += [("topology spread", t["labelSelector"]["matchLabels"])
                      for t in pod_spec(workload).get("topologySpreadConstraints", [])]
        found += [f"{what} selects {selector}, pods have {labels}" for what, selector in selectors
                  if not selector or not selector.items() <= labels.items()]
        if workload["kind"] == "StatefulSet":
            name = workload["spec"]["serviceName"]
            headless = [s for s in services if s["metadata"]["name"] == name
                        and s["spec"].get("clusterIP") == "None"]
            if not headless:
                found.append(f"serviceName: no headless Service {name}")
        found += _check_volumes(workload, maps, secrets)
        found += _check_ports(workload, services)
        used |= {name for v in pod_spec(workload).get("volumes", []) for _, name, _ in _sources(v)}
    found += [f"ConfigMap {name} is used by nothing" for name in maps if name not in used]
    return found


# ---- what a pod sees ----

def _publish(target, files):
    """As the kubelet does: a hidden dated folder, the link ..data to it, and links into that."""
    hidden = target / "..2026_01_01_00_00_00.000000001"
    for name, text in files.items():
        path = hidden / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (target / "..data").symlink_to(hidden.name)
    for top in {name.partition("/")[0] for name in files}:
        (target / top).symlink_to(Path("..data") / top)


def lay_out(documents, workload, root, secrets=None):
    """Makes the mounts of the workload's container below root; secrets: {name: {key: text}}."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    maps.update(secrets or {})
    volumes = {v["name"]: v for v in pod_spec(workload).get("volumes", [])}
    [container] = pod_spec(workload)["containers"]
    for mount in container["volumeMounts"]:
        target = Path(root) / mount["mountPath"].lstrip("/")
        target.mkdir(parents=True)
        if mount["name"] not in volumes:
            continue                                    # a claim: an empty directory
        files = {}
        for _, name, items in _sources(volumes[mount["name"]]):
            wanted = {i["key"]: i["path"] for i in items} if items else {k: k for k in maps[name]}
            files.update({path: maps[name][key] for key, path in wanted.items()})
        _publish(target, files)


def environment(workload, pod):
    """The variables that a pod of this name gets."""
    [container] = pod_spec(workload)["containers"]
    found = {"HOSTNAME": pod, "PATH": "/usr/bin:/bin"}
    for entry in container.get("env", []):
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        elif entry["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name":
            found[entry["name"]] = pod
        else:
            raise ValueError(f"variable {entry['name']}: from where is not known here")
    return found
