/* The generator: what the untouched user number `index` looks like, as a pure function of (seed, index). */
#include "seed.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "when.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAMES    12

struct part {
    const char *name, *slug;
};

struct kit {
    unsigned weight; /* of 16 */
    struct part first[NAMES], last[NAMES];
};

static const struct kit kits[] = {
    {7,
     {{"Amy", "amy"},
      {"Tunde", "tunde"},
      {"Grace", "grace"},
      {"Oliver", "oliver"},
      {"Chloe", "chloe"},
      {"Kwame", "kwame"},
      {"Anne-Marie", "anne-marie"},
      {"Isaac", "isaac"},
      {"Ngozi", "ngozi"},
      {"Harriet", "harriet"},
      {"Dylan", "dylan"},
      {"Priya", "priya"}},
     {{"Okafor", "okafor"},
      {"Whitcombe", "whitcombe"},
      {"O'Dowell", "odowell"},
      {"Mensah", "mensah"},
      {"Hartwell", "hartwell"},
      {"Adeyemi-Brook", "adeyemi-brook"},
      {"Lindqvist", "lindqvist"},
      {"Pembury", "pembury"},
      {"Rao", "rao"},
      {"Castellan", "castellan"},
      {"Fairweather", "fairweather"},
      {"Ng", "ng"}}},
    {3,
     {{"Zoë", "zoe"},
      {"José", "jose"},
      {"Élodie", "elodie"},
      {"Núria", "nuria"},
      {"François", "francois"},
      {"Inês", "ines"},
      {"Adrián", "adrian"},
      {"Hélène", "helene"},
      {"João", "joao"},
      {"Begoña", "begona"},
      {"Gaël", "gael"},
      {"Conceição", "conceicao"}},
     {{"Lefèvre", "lefevre"},
      {"Muñoz", "munoz"},
      {"Gonçalves", "goncalves"},
      {"Béranger", "beranger"},
      {"Ibáñez", "ibanez"},
      {"Desrosiers", "desrosiers"},
      {"Araújo", "araujo"},
      {"Peñalver", "penalver"},
      {"Crêpin", "crepin"},
      {"Vázquez", "vazquez"},
      {"d'Aubigné", "daubigne"},
      {"Simões", "simoes"}}},
    {2,
     {{"Łukasz", "lukasz"},
      {"Jürgen", "juergen"},
      {"Małgorzata", "malgorzata"},
      {"Søren", "soeren"},
      {"Åsa", "asa"},
      {"Jiří", "jiri"},
      {"Ünal", "uenal"},
      {"Þóra", "thora"},
      {"Čeněk", "cenek"},
      {"Anneli", "anneli"},
      {"Ștefan", "stefan"},
      {"Katarzyna", "katarzyna"}},
     {{"Wiśniewska", "wisniewska"},
      {"Großmann", "grossmann"},
      {"Ødegård", "odegard"},
      {"Dvořáček", "dvoracek"},
      {"Härkönen", "harkonen"},
      {"Müllerschön", "muellerschoen"},
      {"Żuławska", "zulawska"},
      {"Yıldırım", "yildirim"},
      {"Björklund", "bjorklund"},
      {"Țepeș", "tepes"},
      {"Kowalczyk", "kowalczyk"},
      {"Szőke", "szoke"}}},
    {1,
     {{"Ольга", "olga"},
      {"Дмитрий", "dmitry"},
      {"Наталья", "natalya"},
      {"Оксана", "oksana"},
      {"Богдан", "bohdan"},
      {"Милена", "milena"},
      {"Пётр", "pyotr"},
      {"Ирина", "irina"},
      {"Стоян", "stoyan"},
      {"Лев", "lev"},
      {"Жанна", "zhanna"},
      {"Ярослав", "yaroslav"}},
     {{"Соколова", "sokolova"},
      {"Шевченко", "shevchenko"},
      {"Иванчук", "ivanchuk"},
      {"Королёва", "korolyova"},
      {"Петров", "petrov"},
      {"Николова", "nikolova"},
      {"Щукина", "shchukina"},
      {"Мельник", "melnyk"},
      {"Жуков", "zhukov"},
      {"Цветкова", "tsvetkova"},
      {"Юдин", "yudin"},
      {"Гончар", "honchar"}}},
    {1,
     {{"花子", "hanako"},
      {"太郎", "taro"},
      {"美咲", "misaki"},
      {"健", "ken"},
      {"伟", "wei"},
      {"芳", "fang"},
      {"娜", "na"},
      {"秀英", "xiuying"},
      {"민준", "minjun"},
      {"서연", "seoyeon"},
      {"さくら", "sakura"},
      {"蓮", "ren"}},
     {{"田中", "tanaka"},
      {"鈴木", "suzuki"},
      {"佐藤", "sato"},
      {"高橋", "takahashi"},
      {"王", "wang"},
      {"李", "li"},
      {"张", "zhang"},
      {"陈", "chen"},
      {"김", "kim"},
      {"박", "park"},
      {"渡辺", "watanabe"},
      {"刘", "liu"}}},
    {1,
     {{"محمد", "mohamed"},
      {"فاطمة", "fatima"},
      {"ليلى", "layla"},
      {"يوسف", "yusuf"},
      {"אורי", "uri"},
      {"נועה", "noa"},
      {"مريم", "maryam"},
      {"خالد", "khaled"},
      {"זיו", "ziv"},
      {"سارة", "sara"},
      {"عمر", "omar"},
      {"יעל", "yael"}},
     {{"الحداد", "alhaddad"},
      {"منصور", "mansour"},
      {"النجار", "alnajjar"},
      {"كهن", "kahan"},
      {"לוי", "levi"},
      {"שפירא", "shapira"},
      {"الخطيب", "alkhatib"},
      {"درويش", "darwish"},
      {"ברק", "barak"},
      {"حداد", "haddad"},
      {"السيد", "alsayed"},
      {"מזרחי", "mizrahi"}}},
    {1,
     {{"अनीता", "anita"},
      {"राजेश", "rajesh"},
      {"दीपा", "deepa"},
      {"अर्जुन", "arjun"},
      {"Ελένη", "eleni"},
      {"Νίκος", "nikos"},
      {"Σοφία", "sofia"},
      {"प्रिया", "priya"},
      {"สมชาย", "somchai"},
      {"மாலா", "mala"},
      {"Γιώργος", "yorgos"},
      {"विक्रम", "vikram"}},
     {{"शर्मा", "sharma"},
      {"पटेल", "patel"},
      {"सिंह", "singh"},
      {"Παπαδάκη", "papadaki"},
      {"Οικονόμου", "oikonomou"},
      {"ใจดี", "jaidee"},
      {"குமார்", "kumar"},
      {"गुप्ता", "gupta"},
      {"Λάμπρου", "lambrou"},
      {"जोशी", "joshi"},
      {"मेहता", "mehta"},
      {"Δήμου", "dimou"}}},
};

#define KITS COUNT(kits)

enum salt { SALT_KIT, SALT_NAME, SALT_MAIL, SALT_TYPE, SALT_TIME, SALT_ROLE, SALT_CUSTOM, SALT_MANAGER, SALT_SECRET };

uint64_t seed_mix(uint64_t seed, uint64_t index, uint64_t salt)
{
    uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + index * UINT64_C(0x9e3779b97f4a7c15) +
                 (salt + 1) * UINT64_C(0x632be59bd9b4e019);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- names ---- */

unsigned seed_pair_count(void)
{
    return KITS * NAMES * NAMES;
}

unsigned seed_pair(uint64_t seed, uint32_t index)
{
    unsigned slot = seed_mix(seed, index, SALT_KIT) % 16;
    unsigned kit = 0;

    while (slot >= kits[kit].weight)
        slot -= kits[kit++].weight;
    return kit * NAMES * NAMES + (unsigned)(seed_mix(seed, index, SALT_NAME) % (NAMES * NAMES));
}

void seed_pair_name(unsigned pair, char out[320])
{
    const struct kit *k = &kits[pair / (NAMES * NAMES)];

    snprintf(out, 320, "%s %s", k->first[pair / NAMES % NAMES].name, k->last[pair % NAMES].name);
}

void seed_pair_slug(unsigned pair, char out[264])
{
    const struct kit *k = &kits[pair / (NAMES * NAMES)];

    snprintf(out, 264, "%s.%s.", k->first[pair / NAMES % NAMES].slug, k->last[pair % NAMES].slug);
}

/* One name in a hundred has something that a careless JSON or shell quoting would break on. */
bool seed_name_is_special(uint32_t index)
{
    return index % 100 == 61;
}

void seed_name(uint64_t seed, uint32_t index, char out[320])
{
    const struct kit *k;
    unsigned pair = seed_pair(seed, index);

    seed_pair_name(pair, out);
    if (!seed_name_is_special(index))
        return;
    k = &kits[pair / (NAMES * NAMES)];
    snprintf(out, 320, "%s \"%s\" %s", k->first[pair / NAMES % NAMES].name, index % 200 == 61 ? "Sunny" : "A\\B",
             k->last[pair % NAMES].name);
}

void seed_email(uint64_t seed, uint32_t index, char out[264])
{
    char slug[264];

    seed_pair_slug(seed_pair(seed, index), slug);
    snprintf(out, 264, "%.200s%u@example.%s", slug, index, seed_mix(seed, index, SALT_MAIL) % 3 ? "org" : "com");
}

void seed_ext(uint32_t index, char out[208])
{
    if (index >= 50 && index % 50 == 7)
        out[0] = '\0';
    else
        snprintf(out, 208, "e-%06u", index);
}

static uint32_t number_of(const char *text, size_t len)
{
    uint64_t n = 0;

    if (len == 0 || len > 9)
        return PEOPLE_NOBODY;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return PEOPLE_NOBODY;
        n = n * 10 + (unsigned)(text[i] - '0');
    }
    return (uint32_t)n;
}

uint32_t seed_index_of_ext(const char *ext)
{
    return strncmp(ext, "e-", 2) == 0 ? number_of(ext + 2, strlen(ext + 2)) : PEOPLE_NOBODY;
}

uint32_t seed_index_of_email(const char *email)
{
    const char *at = strchr(email, '@');
    const char *start = at;

    if (!at)
        return PEOPLE_NOBODY;
    while (start > email && start[-1] != '.')
        start--;
    return number_of(start, (size_t)(at - start));
}

/* ---- the rest of a person ---- */

/* A tree by the index alone: 20, 40, … lead the nineteen behind them, 400, 800, … lead those, 0 leads all. */
uint32_t seed_manager(uint64_t seed, uint32_t index)
{
    uint32_t step = PEOPLE_FANOUT;

    if (index == 0 || (index % PEOPLE_FANOUT && seed_mix(seed, index, SALT_MANAGER) % 30 == 0))
        return PEOPLE_NOBODY;
    while (index % step == 0 && step <= 8000)
        step *= PEOPLE_FANOUT;
    return index - index % step;
}

int32_t seed_role(uint64_t seed, uint32_t index)
{
    unsigned slot = seed_mix(seed, index, SALT_ROLE) % (PEOPLE_ROLES + 8);

    return slot < PEOPLE_ROLES ? (int32_t)slot : -1;
}

static enum user_type type_of(uint64_t seed, uint32_t index)
{
    unsigned slot = seed_mix(seed, index, SALT_TYPE) % 200;

    if (index == 0 || (slot == 0 && index >= 50))
        return TYPE_ADMIN;
    if (index % PEOPLE_FANOUT == 0)
        return TYPE_MANAGER;
    return slot < 16 ? TYPE_CONTRIBUTOR : TYPE_READONLY;
}

static void times_of(uint64_t seed, struct user *u)
{
    uint64_t r = seed_mix(seed, u->index, SALT_TIME);
    int64_t start = (int64_t)sb_days_of(2019, 3, 1) * 86400;

    u->created_at = start + (int64_t)(r % (6 * 365)) * 86400 + (int64_t)((r >> 20) % 86400);
    if (u->status != STATUS_INVITED) {
        u->last_signed_at = u->created_at + (int64_t)((r >> 37) % (200 * 86400));
        u->last_active_at = u->last_signed_at + (int64_t)((r >> 30) % (20 * 86400));
    }
    u->joined = (r >> 59) < 8 ? PEOPLE_NO_DATE : (int32_t)(u->created_at / 86400) - (int32_t)((r >> 50) % 900);
}

static void secrets_of(uint64_t seed, struct user *u)
{
    static const char *const countries[] = {"UK",   "Ireland", "Kenya", "Deutschland",
                                            "日本", "España",  "India", "Polska"};
    uint64_t r = seed_mix(seed, u->index, SALT_SECRET);

    sb_date_print((int32_t)(r % 14000), u->dob);
    snprintf(u->phone, sizeof(u->phone), "+44 1632 %06u", (unsigned)(r >> 20) % 1000000);
    snprintf(u->address, sizeof(u->address), "%u Invented Street, Nowhere", (unsigned)(r >> 40) % 300 + 1);
    snprintf(u->country, sizeof(u->country), "%s", countries[(r >> 50) % COUNT(countries)]);
    u->password_set = u->status == STATUS_ACTIVE;
}

void seed_user(uint64_t seed, uint32_t index, struct user *u)
{
    uint64_t r = seed_mix(seed, index, SALT_TYPE);

    u->index = index;
    u->deleted = false;
    u->custom = NULL;
    u->role_name[0] = u->avatar_url[0] = '\0';
    u->last_signed_at = u->last_active_at = u->deactivated_at = 0;
    seed_name(seed, index, u->name);
    seed_ext(index, u->ext);
    seed_email(seed, index, u->email);
    u->manager = seed_manager(seed, index);
    u->role = seed_role(seed, index);
    u->type = type_of(seed, index);
    u->status = index % PEOPLE_FANOUT && (r >> 10) % 25 == 0 ? STATUS_INVITED : STATUS_ACTIVE;
    u->authored = u->type != TYPE_READONLY && (r >> 20) % 3 == 0 ? (unsigned)(r >> 24) % 9 + 1 : 0;
    times_of(seed, u);
    secrets_of(seed, u);
}

/* ---- custom fields ---- */

struct custom_field {
    const char *name;
    const char *values[6];
};

static const struct custom_field fields[] = {
    {"location", {"London", "NYC", "São Paulo", "東京", "Nairobi", "Kraków"}},
    {"department", {"Engineering", "People & Culture", "Finance", "Sales", "R&D", "Operations"}},
    {"cost_centre", {"CC-1001", "CC-1002", "CC-2040", "CC-3300", "CC-0007", ""}},
    {"employee_type", {"Permanent", "Contractor", "Apprentice", "Part-time", "Intern", "Permanent"}},
    {"division", {"North", "South", "EMEA", "APAC", "Americas", ""}},
    {"FAIS_Accreditation", {"No", "Yes", "No", "Pending", "", "No"}},
    {"Employee_Identity_Number", {"", "EIN-4471", "EIN-0032", "EIN-9120", "", "EIN-77\"3"}},
    {"line of business", {"Retail", "Wholesale", "Public sector", "Charity", "", "Retail"}},
    {"probation_end", {"2025-01-31", "2025-06-30", "", "2026-03-01", "2024-11-15", ""}},
    {"notes", {"", "first aider\nfloor 3", "fire warden", "", "speaks Cymraeg", "tab\there"}},
};

bool seed_custom_defined(const char *field_name)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (strcmp(fields[i].name, field_name) == 0)
            return true;
    return false;
}

json_t *seed_custom(uint64_t seed, uint32_t index)
{
    uint64_t r = seed_mix(seed, index, SALT_CUSTOM);
    unsigned count = 2 + (unsigned)(r % 7);
    json_t *list = json_array();

    r >>= 8;
    for (unsigned i = 0; i < count; i++) {
        const struct custom_field *f = &fields[i];

        json_array_append_new(list, json_pack("{s:s, s:s}", "name", f->name, "values", f->values[r % 6]));
        r /= 6;
    }
    return list;
}
