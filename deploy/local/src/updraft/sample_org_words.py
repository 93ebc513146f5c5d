"""Words for synthetic organisations: countries, names of many cultures, functions, grade ladders. Nobody real."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A country the company works in."""

    country: str
    region: str
    time_zones: tuple[str, ...]
    language: str
    culture: str


PLACES = (
    Place("DE", "EMEA", ("Europe/Berlin",), "de", "german"),
    Place("FR", "EMEA", ("Europe/Paris",), "fr", "french"),
    Place("GB", "EMEA", ("Europe/London",), "en", "british"),
    Place("PT", "EMEA", ("Europe/Lisbon",), "pt", "portuguese"),
    Place("PL", "EMEA", ("Europe/Warsaw",), "pl", "polish"),
    Place("TR", "EMEA", ("Europe/Istanbul",), "tr", "turkish"),
    Place("NG", "EMEA", ("Africa/Lagos",), "en", "nigerian"),
    Place("EG", "EMEA", ("Africa/Cairo",), "ar", "arabic"),
    Place("AE", "EMEA", ("Asia/Dubai",), "ar", "arabic"),
    Place("US", "Americas", ("America/New_York", "America/Chicago", "America/Los_Angeles"), "en", "american"),
    Place("CA", "Americas", ("America/Toronto", "America/Vancouver"), "en", "american"),
    Place("MX", "Americas", ("America/Mexico_City",), "es", "hispanic"),
    Place("BR", "Americas", ("America/Sao_Paulo",), "pt", "portuguese"),
    Place("IN", "Asia Pacific", ("Asia/Kolkata",), "hi", "indian"),
    Place("CN", "Asia Pacific", ("Asia/Shanghai",), "zh", "chinese"),
    Place("JP", "Asia Pacific", ("Asia/Tokyo",), "ja", "japanese"),
    Place("SG", "Asia Pacific", ("Asia/Singapore",), "en", "chinese"),
    Place("VN", "Asia Pacific", ("Asia/Ho_Chi_Minh",), "vi", "vietnamese"),
    Place("AU", "Asia Pacific", ("Australia/Sydney",), "en", "british"),
)

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    culture: (tuple(given.split()), tuple(family.split(",")))
    for culture, given, family in (
        (
            "german",
            "Anna Lukas Jürgen Sabine Felix Katharina Matthias Björn Heike Uwe Lena Stefan Ute Jonas Greta Moritz",
            "Schmidt,Müller,Weber,Krüger,Hoffmann,Schäfer,Vogel,Brandt,Lindner,Seidel,Groß,von Hagen,Böhm,Winkler,Jansen",
        ),
        (
            "french",
            "Claire Émile Julien Hélène Mathieu Aurélie Théo Margaux Étienne Sylvie Luc Noémie Rémi Chloé Bastien Inès",
            "Dubois,Lefèvre,Moreau,Girard,Roux,Fournier,Le Gall,Mercier,Blanchard,Gauthier,Perrin,Chevalier,Rey,Noël,Besson",
        ),
        (
            "british",
            "Oliver Emily Harriet Rhys Fiona Callum Imogen Graham Siobhan Ewan Poppy Alistair Bethan Niall Tamsin Declan",
            "Hughes,O'Connor,MacLeod,Ashworth,Pritchard,Fairbairn,Whitfield,Doyle,Thackeray,Bell,Kerr,Wynne,Rowe,Sutton-Hale",
        ),
        (
            "portuguese",
            "Inês João Mariana Tiago Luísa Rafael Beatriz Gonçalo Camila Thiago Letícia Bruno Helena Caio Joana Duarte",
            "Silva,Carvalho,Araújo,Fonseca,Nogueira,Magalhães,Teixeira,Barbosa,da Costa,Simões,Moraes,Pacheco,Leitão,Rocha",
        ),
        (
            "polish",
            "Agnieszka Paweł Małgorzata Łukasz Zofia Grzegorz Ewa Tomasz Jadwiga Kamil Dorota Wojciech Iga Szymon Hanna Jacek",
            "Nowak,Wiśniewski,Wójcik,Zieliński,Dąbrowska,Pawlak,Sikora,Baran,Kaczmarek,Górska,Rutkowski,Szulc,Mazur,Urban",
        ),
        (
            "turkish",
            "Ayşe Mehmet Elif Emre Zeynep Çağlar Selin Oğuz Gülşen Burak Defne Kerem Nil Tolga Ebru Serkan",
            "Yılmaz,Demir,Şahin,Çelik,Öztürk,Aydın,Koç,Arslan,Doğan,Kılıç,Erdem,Aksoy,Tunç,Bozkurt,Güneş",
        ),
        (
            "nigerian",
            "Chinedu Ngozi Oluwaseun Amara Emeka Folake Ifeoma Tunde Adaeze Babajide Yetunde Obinna Halima Musa Kemi Uche",
            "Okafor,Adeyemi,Eze,Balogun,Nwosu,Bello,Ogunleye,Abubakar,Okonkwo,Adebayo,Ibrahim,Obi,Lawal,Onyekachi,Danjuma",
        ),
        (
            "arabic",
            "Layla Omar Fatima Youssef Mariam Karim Noura Hassan Salma Tariq Huda Khalid Rania Samir Dina Faisal",
            "Al-Farsi,Haddad,Mansour,El-Sayed,Nasser,Khoury,Abdallah,Saleh,Qasim,Bishara,Darwish,Hamdan,Fahmy,Aziz,Zaki",
        ),
        (
            "american",
            "Madison Tyrone Jessica Ethan Latoya Brandon Ashley Marcus Kayla Dylan Monique Hunter Brooke Jamal Paige Cody",
            "Johnson,Carter,Rodriguez,Peterson,Washington,Kowalski,Nguyen,Sullivan,Coleman,Begay,Hernandez,Foster,Park,Weiss",
        ),
        (
            "hispanic",
            "Valentina Diego Ximena Andrés Lucía Joaquín Renata Sebastián Itzel Emilio Paloma Iván Ofelia Rubén Noelia Íñigo",
            "García López,Hernández,Muñoz,Ramírez,Ordóñez,Castañeda,Peña,Vázquez,Ibarra,Quintero,Salazar,Delgado,Ríos,Zúñiga",
        ),
        (
            "indian",
            "Priya Arjun Ananya Vikram Lakshmi Rohan Meera Sanjay Kavya Imran Divya Harpreet Neha Karthik Aisha Debashish",
            "Sharma,Iyer,Patel,Banerjee,Reddy,Khan,Nair,Singh,Deshpande,Chatterjee,Menon,Gill,Joshi,Das,Venkataraman",
        ),
        (
            "chinese",
            "Wei Xiuying Jun Mei Haoran Lihua Yuxuan Fang Zihan Jing Bo Xinyi Tao Ruolan Ming Shufen",
            "Wang,Li,Zhang,Chen,Liu,Huang,Zhao,Wu,Zhou,Xu,Lin,Ouyang,Tan,Goh,Sun",
        ),
        (
            "japanese",
            "Haruto Yui Sakura Ren Aoi Kenji Naoko Daiki Hina Takumi Emi Shō Mariko Yūto Rin Kaori",
            "Satō,Suzuki,Takahashi,Tanaka,Itō,Watanabe,Kobayashi,Nakamura,Mori,Hayashi,Ōno,Fujita,Okada,Sakamoto,Endō",
        ),
        (
            "vietnamese",
            "Linh Minh Thảo Quân Hương Đức Ngọc Tuấn Mai Phong Lan Bảo Trang Khoa Yến Sơn",
            "Nguyễn,Trần,Lê,Phạm,Huỳnh,Võ,Đặng,Bùi,Đỗ,Hồ,Ngô,Dương,Lý,Vũ,Phan",
        ),
    )
}

FUNCTIONS = (
    ("Engineering", ("Platform", "Vehicle Software", "Quality", "Data", "Test"), "Engineer"),
    ("Operations", ("Plant", "Logistics", "Service", "Fulfilment", "Maintenance"), "Operations Specialist"),
    ("Sales", ("Key Accounts", "Retail", "Partners", "Inside Sales", "Presales"), "Account Executive"),
    ("Finance", ("Controlling", "Treasury", "Tax", "Payables", "Planning"), "Analyst"),
    ("Marketing", ("Brand", "Digital", "Customer Insight", "Events", "Content"), "Marketing Specialist"),
    ("Human Resources", ("Talent", "Rewards", "Learning", "People Services", "Recruiting"), "HR Partner"),
    ("Information Technology", ("Infrastructure", "Security", "Applications", "Workplace", "Cloud"), "IT Specialist"),
    ("Research", ("Materials", "Energy", "Human Factors", "Prototyping", "Labs"), "Researcher"),
    ("Legal", ("Contracts", "Compliance", "Privacy", "Patents", "Litigation"), "Counsel"),
)
FUNCTION_WEIGHTS = (26, 24, 14, 7, 6, 4, 10, 6, 3)

LADDERS: tuple[tuple[tuple[str, int], ...], ...] = (
    tuple((f"G{step}", 10 * step) for step in range(1, 11)),
    tuple((f"Band {letter}", rank) for letter, rank in zip("HGFEDCBA", (10, 20, 32, 44, 56, 70, 84, 96), strict=True)),
    tuple((f"C{step}", 5 + 8 * (step - 1)) for step in range(1, 13)),
    (
        ("T1", 10), ("T2", 18), ("T3", 26), ("T4", 34), ("T5", 42), ("M1", 50), ("M2", 58), ("M3", 66), ("E1", 78), ("E2", 88), ("E3", 98),
    ),
    tuple((f"Level {step}", 12 * step) for step in range(1, 9)),
    (("A", 10), ("B", 25), ("C", 40), ("D", 52), ("SP", 64), ("SM", 76), ("VP", 88), ("EVP", 100)),
)  # fmt: skip

UNITS = (
    ("mobility-europe", "Mobility Europe", "Europe/Berlin", ("DE", "FR", "PL", "PT", "TR")),
    ("energy-americas", "Energy Americas", "America/Chicago", ("US", "CA", "MX", "BR")),
    ("digital-asia", "Digital Asia", "Asia/Singapore", ("IN", "SG", "CN", "JP", "VN", "AU")),
    ("health-emea", "Health EMEA", "Europe/London", ("GB", "FR", "NG", "EG", "AE")),
    ("retail-global", "Retail Global", "Europe/Paris", ("FR", "US", "GB", "BR", "JP")),
    ("group-services", "Group Services", "Europe/Lisbon", ("PT", "IN", "PL", "MX", "DE")),
)
UNIT_WEIGHTS = (34, 26, 22, 18, 14, 10)
